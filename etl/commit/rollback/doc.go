// Package rollback takes back what was decided: Run brings tables to an older state of the log, Release lets the inputs
// that were read since be read again.
//
// A rollback is a decision like any other: the log goes on, and nothing is deleted. It copies the files that each partition had
// at the older state into a fresh directory, and then one entry moves all of them. A partition that came later is left without files.
// What only readers of the newest state want stays as it is: a schema that has got columns since keeps them, null in the rows of before;
// only where the meaning of a source's rows has changed since (its fingerprint) does the older schema come back with the rows.
//
// The inputs whose rows are gone by that are held: they count as consumed, so that the next run does not bring back at once what was
// wrong with them. Release makes them pending. An input is read as a whole; so a table cannot be brought back alone where
// inputs that are to be held have rows or rejects of other tables too: read again, these would come into those tables a second time.
//
// Inputs that were released since count as consumed again where their rows come back; else a run would bring these a second time.
// The others stay pending.
package rollback
