// Package data makes the records that the benchmarks run on. A Set is a function of its kind, its seed and its number of
// records: the same bytes every time, in any place.
//
// Clean data is what a well-behaved producer sends. Every line has the same shape: an envelope, four values below data and two
// below metadata. 2 % of these values are null, 1 % of the numbers come quoted.
//
// Dirty data keeps the envelope and nothing else. The seed draws the 40 columns (their names, their types, how they nest, up
// to four objects deep), the event time's key, the first day, the names of the sources and the white space. Then in every line the keys stand in
// another order at every level, a third of the lines have optional keys or such that no column takes, strings hold escapes and
// letters beyond ASCII, and times stand in offsets. Nulls and quoted numbers are as frequent as in clean data.
//
// Distinct data is for what must be remembered: no record comes twice, and no value of the five columns either, but by chance.
//
// Skewed data is clean data in as many partitions as Options say, 95 % of it in one of them.
//
// In all but distinct data, 5 % of the lines repeat the record_id of an earlier line, half of them with a later and half with an earlier
// ingested_at, and with other values; an eighth of them with an event time a day before. No two lines of one record have the
// same ingested_at, so which of them is the latest is never open. Event times lie within five days, but for skewed data; sources are three.
//
// All lines are valid JSON and fit the columns, so that a run has no rejects and engines that do not know _rescued give the
// same rows. Broken records are for tests, not for benchmarks.
package data
