// Package commitlog is the log of decisions about one zone, and the state that it folds to. The log is the truth of a
// lake: directories and catalogs only follow it.
//
// # Objects
//
// All lie in the log's own zone, <state>/<zone>:
//
//	log/<20 digits>             an entry: one decision; put once, never changed, never deleted
//	attempts/<id>/body-<hash>…  the body of an entry: its inputs and acts; put once before the entry
//	checkpoint/<20 digits>.v2   the state at an entry, a pure function of the log; put once
//	checkpoint/latest           a hint: the number of a checkpoint; may be missing or old
//
// An entry is JSON of at most MaxEntry bytes. It names the hash of the entry before it and the hash of its body, so the
// newest entry fixes every byte of the history; it ends in a check of its own bytes. A body is zstd-compressed JSON; it grows with the decision.
//
// # State
//
// The state at n is the fold of entries 1 to n: of each partition a directory and its exact files, the ledger of inputs
// consumed, of each source the schema and the fingerprint, and what gc must know. Head reads the newest checkpoint that
// can be read, then the entries after it until one is missing. Of the checkpoint it reads the head alone: the ledger lies behind it
// in blocks, which are read when they are asked for, and folded from the log where they cannot be. A hash that does not fit stops everything (ErrChain).
// Only "not found" means that an entry is missing: a store that refuses to answer is an error.
//
// # Acts
//
// A body says what becomes of a partition in the terms that publishing needs: add one file to the directory it has;
// new, a first directory with these files; swap, another directory with these files in place of the old one. Runs,
// backfills, compactions and rollbacks all are made of these.
//
// # What it does not do
//
// It decides nothing: whether an entry may be put is etl/commit's to say. Put only sees to it that a number is given
// once.
package commitlog
