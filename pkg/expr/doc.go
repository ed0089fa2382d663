// Package expr is the language of lake.yaml's expressions: CEL (https://cel.dev) over the columns of one row, with the null of SQL.
// The lake file and the engine share it, so that what a file promises is what a run does.
//
// # Columns
//
// A column stands by its name. string and json are CEL's string (json is the JSON text), int and bigint its int, float, double and
// decimal its double, date and timestamp its timestamp (milliseconds, UTC; a date is its midnight), binary its bytes, list its list, map
// and struct a map with string keys. A column that is not known when an expression is compiled has any type (dyn).
//
// # Null
//
// An operand that is null makes null: null + 1, null < 1, !null and null ? a : b are null, and so is what a function gives for it.
// The exceptions are those of SQL: null && false is false, null || true is true; x == null and x != null, with the word null, ask whether
// x is null; coalesce(a, b, …) is the first that is not; has(x.f) says whether x has a field f that is not null. A comprehension over null is null.
//
// # Errors
//
// A division of integers by zero, an integer beyond 64 bits, a text that is no number, an index that is not there: such an expression has
// no value but an error, unless && or || or ?: can do without it.
//
// # Numbers
//
// Integers and doubles mix: 1 + 0.5 is 1.5 and 1 < 1.5 is true, exactly also beyond 2^53. Integers divide to integers, 7 / 2 is 3, as in
// SQL. There are no unsigned integers.
//
// # Functions
//
// CEL's standard functions and macros on these types, those of its strings library, and coalesce, abs, round, floor, ceil, least, greatest, date. See Functions.
// Protocol buffers, map literals, type values and optionals are not part of it.
package expr
