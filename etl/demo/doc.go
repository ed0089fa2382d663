// Package demo makes the raw zone of a small lake with the dirt of real life, to look at what the engine does with it
// and to test that it does.
//
// Three sources land in two drops. Each says what was planted in it, so that a run's counts can be held against it:
//
//	iot_sensors  in the envelope; NDJSON, some of it gzip: quoted numbers, nulls, late events, impossible times,
//	             records that were sent again, lines cut off, a field that is now a number and now a text
//	shop_orders  in the envelope, mostly without record_id; arrays and pretty-printed records: nested objects, lists
//	             of objects, orders sent again with other key order, escapes and white space
//	app_clicks   bare JSON without an envelope; NDJSON, gzip and zstd: repeated lines, text that is not UTF-8, an
//	             object whose upload was cut off
//
// The second drop arrives a day later. It repeats records of the first, and it drifts: new fields, values that no longer
// fit their columns, and a field that turns from a text into an object.
//
// What is made depends on the options alone: the same seed gives the same objects, byte for byte. Record i of a source
// is a function of seed, source and i, so that a record can be sent again at any time without keeping it.
package demo
