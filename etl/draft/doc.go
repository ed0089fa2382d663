// Package draft writes a lake file for raw data that it looks at: per source the envelope, the event time, the dedupe key and the
// columns with their types, as the engine infers them, and in comments how many values are null, some examples, and what
// is worth a word.
//
// The file says what a run without one would find out, so a run with it gives the same tables, byte for byte. That is not only meant but
// tried: the draft is run, over overlays that keep to themselves what is written (etl/forecast), and held against the run
// without it. What of a source cannot be declared so that the same comes out is left to inference, and the file says so.
//
// A value that looks like a secret, a mail address, a number of a card or a phone is shown by its first characters only.
package draft
