// Package lakefile reads lake.yaml, the one file in which people say what their lake is. Everything in it has a default, so
// an empty file, and none at all, is a lake too.
//
// # Grammar
//
// Package grammar has all keys, with their meaning, default and an example; docs/lake-file.md is made of it. This package
// checks what the table cannot say: that a key goes with its column's type, that bounds are in order, patterns compile, defaults
// pass the column's own checks, names name columns, masks hide what they should, and that expressions (package expr) compile.
//
// A value may hold ${NAME}; it is replaced before the value is read, and $${ stands for ${ itself. Where the values come from
// is the caller's to say: the package reads no environment. A secret is written as env:NAME and stays that; File.Missing tells which
// variables a run lacks. Anchors and aliases work; merge keys and tags are refused.
//
// # Several files
//
// Load also reads the files that include names, each by a reader of its own. Sources and data sets of all files are one; curated
// data sets are read last, for they name the columns of sources.
//
// # Errors
//
// Parse and Load list all that is wrong at once, as Errors, file by file, in the order of each. Each names file, line, column and key,
// and says what is allowed there. Only a fault of the YAML itself stops at the first. An error inside an expression has its own place,
// where the file holds the expression as it is; where YAML folds or escapes it, the place of the value, and the problem names the place
// in the expression.
//
// # What it does not do
//
// It looks at no data: columns that a source does not declare are known to the first run only, so expressions take them for any
// type.
package lakefile
