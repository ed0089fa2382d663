// Package decode turns JSON text into Arrow record batches, directed by the schemas of the sources. A Decoder takes one unit
// (chunks of raw objects) at a time and gives one batch a source, with the records that must be set aside and what was counted.
//
// # How it works
//
// A schema becomes a tree of keys, whose nodes know the columns that take the values there. A record is gone through once,
// strictly: every byte is validated by pkg/jsontext, a value with a column goes straight into the column's slice, one without
// is skipped over and remembered by its bounds. No maps or trees are made of records, and in the steady state a row allocates
// nothing.
//
// Which tree is right depends on the record: on the source that it names, and on whether it is an envelope, which its end may
// tell. So the tree of the last record is tried; where that was wrong, the row is taken back and the record gone through
// again; a source named before the data stops the attempt at once. Rows that are rejected are taken back, too. What a batch
// holds, dictionaries included, depends on the unit alone, not on what was tried or seen before.
//
// Keys are found by a hash of their ends (see keys), so that their order does not matter. A value is taken by its column's
// type in one look where it is plain (see Decoder.take); else it is validated, then converted, and where it does not fit, rescued.
//
// Most records have the shape of one before: the same bytes between the values. Such bytes are compared as words with what was
// learned (see shapes), and only the values are parsed, by the same code. All that does not follow a shape is
// taken back and gone through strictly. Callers see no difference but in speed; Decoder.Paths counts.
//
// Rejected designs: arrow's builders, from which nothing can be taken back; a row of scratch values that is copied to columns
// when the record is accepted (twice the stores for each value, to spare the rare record the way back).
//
// # Records
//
// A record is an envelope when its data is an object and its source a string that is not empty; or its source is absent or
// null and record_id or ingested_at is there; unless its folder is declared to have none (Options.Bare). The envelope's
// record_id, source and ingested_at feed the common columns; in all other records they are data.
//
// null is the same as absent. An object that holds nothing but nulls and such objects is nothing, where no column takes
// objects: json, map and struct columns keep it as the value that it is. Of members with one key the last counts, at every
// depth; the others are counted and leave no trace, not in json columns and in _rescued either. They are rare, so they are only
// suspected on the way, by hashes; then the record is gone through again from a text without them.
//
// # Values
//
// A value goes into a column only if nothing of it is lost, in one of these ways:
//
//	string     strings; in declared columns numbers and booleans too, as they are spelled
//	boolean    true and false, also as strings
//	int …      all integral numbers in range, however spelled: 81, 81.0, 8.1e1
//	float …    all numbers in range; one that has more digits than the column can carry is stored as the nearest and also rescued
//	decimal    numbers that need no more digits, before and after the point
//	numbers    also as strings that are spelled as JSON spells numbers: "5", not "05" or " 5"
//	date       strings in one of the column's formats: the day as written
//	timestamp  strings and numbers in one of the formats, tried in order; what is finer than a millisecond is dropped and counted
//	binary     strings of base64, with either alphabet, padded or not
//	json       any value; its text without white space
//	list, map  arrays, objects, if every element fits or is null; if an element is inexact, the whole is stored and rescued
//	struct     objects; members that do not fit their field or have none are rescued by their own path
//
// All else goes to _rescued under its path, or rejects the record, as Schema.OnTypeConflict says.
//
// # Rejects
//
// In a chunk of lines the reject is the record where its end is known, else the line from the record's first byte; the next
// line goes on. Offsets count bytes of the object's decompressed content.
//
// # Invariants
//
// Records = rows + rejects, by source. Chunks are written to while they are decoded (a NUL bounds each line) and are as before
// afterwards; so no one else may read them meanwhile.
//
// The package does not look for records but in lines (chunks say where they are), infer types (it tells an Observer what it
// does not know), remove duplicates, or fill _key and the columns of stages.
package decode
