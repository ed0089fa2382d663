package commitlog

import (
	"encoding/binary"
)

// appendBlock appends the bytes of a run to dst: a row of folders, each as what it shares with the one before, what it does not
// share, and its number of items; then the entries, then the hashes, of which nothing can be pressed out.
func appendBlock(dst []byte, r *run) []byte {
	dst = binary.AppendUvarint(dst, uint64(len(r.folders)))
	before := ""
	for f, folder := range r.folders {
		same := 0
		for same < len(before) && same < len(folder) && before[same] == folder[same] {
			same++
		}
		from, to := r.span(f)
		dst = binary.AppendUvarint(dst, uint64(same))
		dst = binary.AppendUvarint(dst, uint64(len(folder)-same))
		dst = append(dst, folder[same:]...)
		dst = binary.AppendUvarint(dst, uint64(to-from))
		before = folder
	}
	dst = binary.AppendUvarint(dst, r.least)
	dst = append(dst, byte(r.width))
	return append(append(dst, r.seqs...), r.ids...)
}

// decodeBlock reads what appendBlock wrote; the run shares its memory. ok is false for what could not be read as one; that
// the items are sorted is not checked.
func decodeBlock(data []byte) (r *run, ok bool) {
	rest, ok := data, true
	number := func(most int) int {
		n, size := binary.Uvarint(rest)
		if size <= 0 || n > uint64(most) {
			ok = false
			return 0
		}
		rest = rest[size:]
		return int(n)
	}
	r = &run{}
	items, before := 0, ""
	for folders := number(len(data)); folders > 0 && ok; folders-- {
		same := number(len(before))
		more := number(len(rest))
		if more > len(rest) {
			return nil, false
		}
		before, rest = before[:same]+string(rest[:more]), rest[more:]
		n := number(len(data))
		ok = ok && n > 0
		items += n
		r.folders, r.ends = append(r.folders, before), append(r.ends, items)
	}
	least, size := binary.Uvarint(rest)
	if !ok || items == 0 || size <= 0 || len(rest) == size {
		return nil, false
	}
	r.least, r.width, rest = least, int(rest[size]), rest[size+1:]
	if r.width > 8 || len(rest) != items*(r.width+idBytes) {
		return nil, false
	}
	r.seqs, r.ids = rest[:items*r.width], rest[items*r.width:]
	return r, true
}
