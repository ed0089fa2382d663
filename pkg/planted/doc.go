// Package planted lets tests prove that the tests have teeth. A build with the tag "planted" breaks one named rule of
// the engine where the environment variable DATALAKE_PLANTED says so; the suites must then fail. Builds without the tag
// contain none of it.
//
// The bugs, by name:
//
//	publish-before-decide  a commit fills table directories before its entry is in the log
//	skip-ledger            a run reads objects that earlier runs consumed
//	double-file            a commit lists a data file twice
//	trust-taken            a commit takes "the number is taken" for "my entry is decided"
//	stale-catalog          publishing shows the state it began with, although the log went on
//	gc-clock-alone         gc deletes what is old, without condemning it in the log, and does not look at signs of life
//	skip-chain-check       reading the log does not compare hashes
//	drop-swap-file         publishing a swap leaves out the last file
//	keep-losers            the write step keeps rows that lost to others of their key
//	forget-fsync           the store on a directory does not make files durable
//	decide-unsynced        a commit decides before its data files are durable
//	publish-unsynced       publishing is noted before the files in table directories are durable
package planted
