// Package clean is the step between decoding and everything that goes by values: it makes the values of a batch what the schema
// wants them to be, checks them, derives columns, scores rows, and masks.
//
// # The order of work
//
// Column by column, in the order of the table:
//
//  1. trim, collapse, case, null tokens, clamp, default (schema.Clean)
//  2. checks (schema.Check), all on the value as it is then; a value that fails one with on_fail: "null" is null from here on
//  3. required
//
// Then the derived columns in their order, each with 1 to 3; then the rules on rows; then the masks; last quality_score.
//
// Cleaning of a list or map is that of its elements or values. Text in columns of other types is trimmed, and null tokens are
// taken out, while decoding, for only there it is still text; what is left here is a value like others, which is null where a token is
// the text of that value.
//
// # What failing does
//
// A rule is asked of a row where its value is there: a check where the column is not null, a rule or derived column where the
// expression is not null. A row that fails goes to quarantine (reject), loses the value ("null"), or stays as it is (score).
// quality_score is the share of the rules asked of a row that it passed, 1 where none was asked; required is not one of them. A
// derived column is a rule of its own, name.derived: it fails where the expression is an error or its value cannot be had in the
// column's type without loss (a float takes the nearest), and is null then.
//
// # How it works
//
// Everything is compiled once for a schema, into a Plan; a Cleaner works through a batch by it, one column after the other. A column that nothing
// happens to is passed on as it is. The texts of a dictionary column are looked at once each, and its rows by their codes. What happens to a row depends on that row
// alone, so results do not depend on how rows come in batches.
//
// # Masks
//
// A masked column's values are replaced last, so that checks and expressions see what came. Masks hides the same values where else they
// would be written: in the text of rejected records, in _rescued, in JSON columns around them. No message tells the value of a
// masked column, or of one that an expression makes of it.
//
// The package does not read lake.yaml, quarantine records or count them by source, and it starts no goroutines.
package clean
