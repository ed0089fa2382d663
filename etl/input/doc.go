// Package input reads raw objects and cuts them into units of whole records, which many workers can decode at once.
//
// Tasks divides a run's objects into tasks, and each task's Units reads it. What comes out (which record in which unit,
// under which number and offset) depends on the objects alone, never on how many goroutines read.
//
// # What an object may be
//
// Compression is told by the first bytes: gzip (any number of members, zero bytes after each), zstd (any number of
// frames, skippable ones too), else the text is plain. Compression inside compression is not undone.
//
// The form of the text is told by its first 64 KiB, after a UTF-8 byte order mark and white space (of a text that begins
// with more white space than that: the first stretch of 64 KiB with anything else in it). In this order:
//
//   - The text is UTF-16 or UTF-32 when it begins with a mark of those or has their pattern of zero bytes. Such an
//     object cannot be read: one broken place at offset 0.
//   - Object.RecordsAt is set: each top-level value is an object that holds an array of records there.
//   - A line that begins with [ where a valid array begins, before any line of objects: values.
//   - A valid object of several lines: values.
//   - A line that is one or more objects (brackets balance; what stands between them may be invalid), and does not
//     continue the line before it (which would end in a comma, a colon or an opening bracket): lines. Looking stops at
//     the 32nd such line.
//   - Nothing of this kind: values, if the text begins with { or [, else lines.
//
// Lines is NDJSON: a line feed always ends a record, so a broken line costs that line alone, and a large plain object is
// read by many tasks at once. A broken first line, a last line without line feed, CRLF and blank lines change nothing.
// An object with lines of more than 64 KiB, none of which ends within the stretch, is read as values.
//
// Values is everything else: one record, concatenated or pretty-printed records, arrays of records, also several, one
// after the other or line by line. All top-level arrays are opened; arrays in arrays are records (and rejected later).
//
// # Where a broken record ends
//
// The scanner of values knows strings and brackets and tolerates all else: what is wrong inside a record is for the
// decoder to say. A string ends at a line feed at the latest. A closing bracket closes the nearest bracket of its kind
// that is open, and what was opened since. If a record does not end by that, the next one is looked for at the next line
// that begins, indented as the first line of the broken one, with {: at once, where no object could stand there (no
// comma, colon or bracket before it, or a string was torn); else when the text ends without the record having ended.
// Text between records, and commas and brackets out of order, are broken places of their own.
//
// # Broken places
//
// They come in Unit.Broken, each to be counted as one quarantined record: rule json for text between records and records
// that do not end, size for a record above Options.MaxRecord, records_at for a top-level value without the array, broken
// for content that cannot be read on (a truncated gzip, a wrong checksum). The last has the offset at which the
// decompressed content ends and the bytes of the record that was cut there as its payload.
//
// # Memory
//
// A task holds one unit of up to two chunks and one record at a time, whatever the size of the object. Records larger
// than MaxRecord pass through without being held. zstd windows above 128 MiB are refused as broken.
//
// A unit's buffer has 9/8 ChunkBytes and 4 KiB, and is used again. Whoever reads a task has two at most: that of the unit that is
// being taken, and the next. With R goroutines that read, U units that wait between them and W that decode, 2R + U + W are out
// at most: with the default ChunkBytes and P of each, 9 MiB × P. A reader of compressed content has 64 KiB of raw bytes, and
// the decompressor's window, besides.
//
// A unit with a record of more than 8 MiB has a buffer of its own, of MaxRecord + 2 ChunkBytes at most, of which as much is
// touched as the record is large; while it grows, the buffer before, of 8 MiB (an eighth of it where MaxRecord is above the
// default), is there as well. Options.Take hears of these.
//
// The package starts no goroutines.
package input
