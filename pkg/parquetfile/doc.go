// Package parquetfile writes Arrow records to Parquet files and reads them back.
//
// # What is in a file
//
// Row groups of at most Options.RowGroupRows rows and some 128 MiB of values; in each, one chunk a column: a dictionary
// page where a dictionary pays, then data pages (format v1) of at most 16,384 rows and about 1 MiB; then the bloom
// filters that were asked for; at the end the page index and the footer. Every page carries a CRC-32. Lists have three
// levels (list, element), maps are key_value, key, value. There is no INT96, no unsigned type, no time finer than a
// millisecond.
//
// # How it is written
//
// Values are taken column by column, from a Batch, which is a record looked through once for all Writers of a Plan. A page is
// encoded and compressed as soon as it is full, so a Writer holds one page of raw values a column, the dictionaries, and the
// finished pages of the current row group; the latter wait in memory or where Options.Spool puts them. All of it grows with
// the rows, and comes from pools that other files share.
//
// A chunk's first values, up to 4,096, are kept as they are until it is known whether a dictionary has any chance: not where
// nearly all are distinct. With one, each page is weighed both ways at its end, and the first that is smaller without it is
// written without it, and so are all that follow in the row group. Whole numbers without one are DELTA_BINARY_PACKED, or PLAIN
// where they differ so much in size that an entropy code makes them smaller.
//
// A page is compressed in the way that its bytes ask for: tiny ones not at all, text without repeated strings by an entropy
// code alone, the rest by the fast encoder.
//
// # Invariants
//
// The bytes of a file depend on the rows, their order, the schema and the options, and on nothing else: not on how rows
// were cut into Append calls, nor on whether a string column came as a dictionary array, nor on timing, memory or
// the machine.
//
// Reading covers what this package writes, and other writers' files as far as they use the same types, encodings
// (PLAIN, RLE_DICTIONARY, DELTA_BINARY_PACKED, DELTA_LENGTH_BYTE_ARRAY), codecs (none, snappy, zstd) and page format. A
// file that is damaged gives ErrCorrupt, never a panic.
//
// What is written can be read: a value or a row that would make a page of more than 1 GiB, or of 2^27 values, is
// ErrUnsupported.
//
// # The rooms
//
// This package holds what a file is: row groups, page index, filters, footer. Below internal, shape is the tree of fields
// and columns; encode makes pages of arrays and decode arrays of pages; stats, dict, codec and runs are the steps they take;
// meta is the Thrift structs, pool the memory and fault the kinds of errors.
//
// The package does no I/O of its own: it writes to an io.Writer and reads from an io.ReaderAt. It starts no goroutines.
package parquetfile
