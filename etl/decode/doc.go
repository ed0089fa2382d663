// Package decode turns JSON text straight into Arrow columns, directed by schemas: no maps, no trees, one pass.
//
// # Prediction
//
// A record says by itself which source it is of, and whether it has the envelope; but where in it that stands is not known
// before it was read. So a record is read as the last one was: into the vectors of the table that the last record went to. When
// its end shows that another table is right, what it put into the vectors is taken back and it is read again. Keys are
// predicted in the same way: the key that followed the last time is compared first, as bytes.
//
// # Rows
//
// A vector is a plain slice that grows by appending; a row that is set aside is taken back by truncating. The Arrow arrays are
// copied from the vectors when the unit ends. A string column is a dictionary as long as its values repeat; what a batch looks
// like depends on the unit alone, not on earlier ones.
//
// # Bad records
//
// They cost themselves: a reject has the record's text, its place and the reason. In NDJSON the newline always ends the
// record. Members of an object with one key twice are rare, so they are only suspected on the way, by hashes; then the record
// is read again from a text without them.
//
// # What it does not do
//
// It finds no record bounds in texts other than NDJSON (etl/input does), infers nothing (it tells an Observer of what it does
// not know), and deduplicates nothing.
package decode
