// Package jsontext reads JSON text strictly (RFC 8259) where it lies, without building values.
//
// Scanning functions take a padded text: a slice whose last Padding bytes are zero. NUL is valid nowhere in JSON, so it
// ends every scan, and words of eight bytes can be loaded anywhere before it. Positions are indexes into that slice.
//
// What the standard leaves open is decided here:
//   - Duplicate keys are accepted; who interprets the object decides (the hash lets the last one count).
//   - Invalid UTF-8 and escapes of lone surrogates are errors, or U+FFFD by choice (Limits.ReplaceInvalid).
//   - Nesting is limited (Limits.MaxDepth). Numbers are not: any spelling that the grammar allows is valid.
//   - The escape \u0000 is a character like others; the byte NUL is not valid.
//   - A byte order mark is not part of a text; whoever reads files skips it.
//
// Numbers are compared and converted as exact decimals: nothing is rounded without being told.
//
// All functions are safe for concurrent use.
package jsontext
