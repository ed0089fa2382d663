// Package golden plays golden cases: plain text that says which raw objects go in and which rows, rejects and counts must come
// out, run by run. testdata/golden/README.md says how they are written. Teams test their lake files with them (etl test), and
// the engine's own end-to-end tests are the cases below testdata/golden.
//
// Each run of a case is a run of the engine on a lake of its own. Check also plays the case with other settings, which must give the
// same files, and once more, which must find nothing to do.
//
// The tests of this package hold a naive reference implementation besides, which random records must agree with, row for row.
package golden
