// Package profile looks at the values of a column: how many are null, how many are distinct, which are the least and the
// greatest, how they are spread, and which are the most frequent.
//
// What it says depends on the values alone, not on their order or on how they were cut into arrays. A Column takes some hundred kilobytes, a
// megabyte at most, however many values it sees: up to 4,096 distinct values, of up to 256 bytes, are counted each for itself; beyond that
// their number is estimated by HyperLogLog, with a standard error of 0.8 %, and which are frequent is no longer told.
package profile
