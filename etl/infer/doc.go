// Package infer finds out what a source's columns are from the values of a run.
//
// A Profile is told, record by record, of the values that no column takes yet: in a source's first run of all. It keeps, for
// each path, how many values of each kind there were and where the first stood; never the values. Profiles of several workers
// merge, and the result depends on the records alone, not on their order or on who saw which.
//
// A Guess is what a part of the records makes of a source. With a guess a run decodes at once what it would else have looked at
// first; see there how it is known in the end whether all records make the same.
//
// # Types
//
// Of a path's values, null left out:
//
//   - only objects: no column; their members are paths of their own (flattening). Empty objects give nothing.
//   - only true and false: boolean.
//   - only numbers without fraction or exponent: bigint; double if most are beyond it. What does not fit is rescued.
//   - only numbers: double, if it carries every one that is an integer within bigint; else json.
//   - only strings: date, if all are YYYY-MM-DD; timestamp, if all are RFC 3339; else string.
//   - numbers and strings: as numbers, if every string is exactly the text of a number; else json.
//   - only arrays, whose elements are scalars: list of what the elements' type would be; of strings, if there are none.
//   - everything else (arrays of objects or arrays, kinds that do not go together): json.
//
// # Event time
//
// In a source's first run: the first of event_time, timestamp, time, ts, created_at and occurred_at, inside data and then at the
// record's root, that is a time in 95 % of the source's records: RFC 3339, YYYY-MM-DD, or an epoch whose unit follows from its
// magnitude, between the years 1990 and 2100.
//
// # Limits
//
// A table has at most Options.MaxColumns columns of its own; the paths that appear first get them, the others go to
// _rescued. (A path above columns that are there already gets its own, for it cannot be rescued as a whole.)
//
// Objects may be data in the place of keys. A field is a member of the records, or of data or metadata in them. Below a
// field there may be 1,000 paths; if there are more, the objects of the level at which they would be too many are one
// value each, json. A source may have 10,000 fields; if there are more, all that have no column go to _rescued.
//
// After Extend every value that was told has a column at or above its path, or goes to _rescued.
package infer
