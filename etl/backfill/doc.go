// Package backfill finds out from the log what has to be read again so that partitions of a table can be made anew.
//
// An input is wanted if it fed one of these partitions, if a row of it lost there, or if any record of it was set aside: that one may
// pass now, and belong to any day. The log says so by input: every entry that read it lists the partitions that its rows were of, whether
// they were kept or not. All entries count, not only the last that read an input, because a rollback may have brought back what an
// earlier one made of it. So an input may be read that would not have to be, never too few.
//
// What the log does not say is against which row a row lost. Where a row that was kept has no successor, whoever makes the partitions
// anew asks for all inputs of the source.
//
// It reads bodies of entries and nothing else: whether the objects are still there, its caller looks.
package backfill
