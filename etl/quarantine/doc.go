// Package quarantine keeps the records that a run sets aside, and writes them as files that people can read and the engine
// can replay: NDJSON, compressed with zstd, one object a record.
//
// The fields of a line, in order: source, object (its key), etag (its version), offset (of the record in the object's
// decompressed content), length (of the stretch that was given up with it; none: one record), line, arrived (the object's time,
// RFC 3339), rule, reason, and payload: the record's text as it stood, as a JSON string. A payload that is not UTF-8 stands in
// payload_base64 instead; truncated is true where only its beginning was kept, payload_withheld where there is none, because it
// may hold what the source masks, payload_masked where it shows what masks have made of values.
//
// Lines of a file are in the order of their origins. A file holds the records of one source that arrived on one day.
package quarantine
