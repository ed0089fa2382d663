// Package gunzip decompresses gzip (RFC 1951, RFC 1952), one member at a time.
//
// It is here because one large gzip is decompressed by one thread, which is what such a run waits for. It takes about half of the
// time of github.com/klauspost/compress/gzip and reads the same: what differs is how.
//
//   - Bits are taken from a word that is filled by one load of eight bytes, not byte by byte.
//   - An entry of a table is a whole word that says what to do, and how many bits the code and its extra bits take together. Two
//     literals whose codes are short enough have one entry. The tables of libdeflate are like it, those of igzip have the pairs.
//   - The loop that does nearly all works while eleven bytes more of input are at hand and 300 bytes of room. What it cannot do, at
//     the end of the input, is done by the same loop on a copy with zeros behind it; that bits were taken which are not
//     there shows afterwards.
//   - Matches are copied in words, beyond their end.
package gunzip
