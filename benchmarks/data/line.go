package data

import "strconv"

// pieces of texts, as they stand in JSON.
var pieces = []string{
	"ready", "late", "north", "south", "blue", "checked", "retry", "sent", "back", "customer", "asked", "again", "window", "closed", "two", "left",
	"café", "naïve", "Zürich", "Łódź", "日本", "東京", "привет", "αβγ", "😀", "100 €",
	`caf\u00e9`, `\u65e5\u672c`, `\ud83d\ude00`, `\"so\"`, `a\\b`, `a\/b`, `one\ntwo`, `tab\there`, `\u0041bc`,
}

var offsets = []struct {
	text string
	ms   int64
}{
	{"Z", 0}, {"Z", 0}, {"+00:00", 0}, {"+01:00", 60 * 60_000}, {"+05:30", 330 * 60_000}, {"-08:00", -480 * 60_000}, {"-03:30", -210 * 60_000}, {"+13:00", 780 * 60_000},
}

// line makes a line of dirty data.
func (d *shape) line(scr *Scratch, dst []byte, h head) []byte {
	more := h.r.n(3) == 0
	var extra *node // where unknown keys go
	if more {
		extra = pick(&h.r, d.objects)
	}
	var order [4]uint8
	for i := range order {
		order[i] = uint8(i)
	}
	shuffle(&h.r, order[:])
	dst = append(dst, '{')
	for i, o := range order {
		if i > 0 {
			dst = append(dst, d.comma...)
		}
		switch o {
		case 0:
			dst = append(append(dst, `"record_id"`...), d.colon...)
			dst = append(uuid(append(dst, '"'), h.id), '"')
		case 1:
			dst = append(append(dst, `"source"`...), d.colon...)
			dst = append(append(append(dst, '"'), d.set.sources[h.source]...), '"')
		case 2:
			dst = append(append(dst, `"ingested_at"`...), d.colon...)
			dst = d.time(&h.r, dst, h.ingested)
		default:
			dst = append(dst, d.root.quoted...)
			dst = d.object(scr, dst, d.root, extra, more, &h)
		}
	}
	return append(dst, '}', '\n')
}

// object appends an object, its keys in any order.
func (d *shape) object(scr *Scratch, dst []byte, n, extra *node, more bool, h *head) []byte {
	r := &h.r
	from := len(scr.order)
	for i, c := range n.children {
		if !c.optional || more && r.n(2) == 0 {
			scr.order = append(scr.order, uint8(i))
		}
	}
	unknown := -1
	if n == extra {
		unknown = int(r.n(uint64(len(d.unknown))))
		for range r.between(1, 3) {
			scr.order = append(scr.order, uint8(len(n.children)))
		}
	}
	to := len(scr.order)
	shuffle(r, scr.order[from:])
	dst = append(dst, '{')
	for at := from; at < to; at++ {
		if at > from {
			dst = append(dst, d.comma...)
		}
		i := int(scr.order[at])
		if i == len(n.children) {
			unknown = (unknown + 1) % len(d.unknown) // no key twice
			u := d.unknown[unknown]
			dst = d.value(append(dst, u.quoted...), u, h)
			continue
		}
		c := n.children[i]
		dst = append(dst, c.quoted...)
		if c.kind == kindObject {
			dst = d.object(scr, dst, c, extra, more, h)
		} else {
			dst = d.value(dst, c, h)
		}
	}
	scr.order = scr.order[:from]
	return append(dst, '}')
}

// value appends one value.
func (d *shape) value(dst []byte, n *node, h *head) []byte {
	r := &h.r
	switch n.kind {
	case kindEvent:
		return d.time(r, dst, h.event)
	case kindDouble:
		return number(r, dst, func(dst []byte) []byte { return double(r, dst) })
	case kindInt:
		return number(r, dst, func(dst []byte) []byte { return integer(r, dst) })
	}
	if r.percent(2) {
		return append(dst, "null"...)
	}
	switch n.kind {
	case kindWord:
		return append(dst, pick(r, n.words)...)
	case kindID:
		dst = append(dst, '"')
		for range r.between(1, 3) {
			dst = hex(dst, r.next())
		}
		return append(dst, '"')
	case kindText:
		dst = append(dst, '"')
		for i := range r.between(2, 10) {
			if i > 0 {
				dst = append(dst, ' ')
			}
			dst = append(dst, pick(r, pieces)...)
		}
		return append(dst, '"')
	case kindBool:
		return strconv.AppendBool(dst, r.n(2) == 0)
	case kindTime:
		return d.time(r, dst, -int64(r.n(380*msPerDay)))
	}
	dst = append(dst, '[')
	for i := range int(r.n(6)) {
		if i > 0 {
			dst = append(dst, d.comma...)
		}
		switch n.kind {
		case kindWords:
			dst = append(dst, pick(r, n.words)...)
		case kindInts:
			dst = integer(r, dst)
		default:
			dst = double(r, dst)
		}
	}
	return append(dst, ']')
}

// time appends a time in some offset, with its milliseconds; where they are zero, sometimes without.
func (d *shape) time(r *rng, dst []byte, ms int64) []byte {
	o := pick(r, offsets)
	fraction := 3
	if ms%1000 == 0 && r.n(2) == 0 {
		fraction = 0
	}
	dst = d.set.dates.append(append(dst, '"'), ms+o.ms, fraction)
	return append(append(dst, o.text...), '"')
}

// integer appends a number of up to 12 digits.
func integer(r *rng, dst []byte) []byte {
	v := int64(r.n(pick(r, []uint64{10, 1000, 100_000, 1_000_000_000_000})))
	if r.n(4) == 0 {
		v = -v
	}
	return strconv.AppendInt(dst, v, 10)
}

// double appends a number of at most 15 digits, so that its nearest double carries it, always with a point or an exponent.
func double(r *rng, dst []byte) []byte {
	v := r.next()
	if v&3 == 0 {
		dst = append(dst, '-')
	}
	whole, part := 1+v>>2%1000, v>>20%1_000_000
	dst = strconv.AppendUint(dst, whole, 10)
	switch v >> 60 {
	case 0:
		return append(append(dst, 'e'), byte('0'+part%10))
	case 1:
		dst = padded(append(dst, '.'), part%1000, 3)
		return append(append(dst, "E-"...), byte('0'+part%7))
	case 2, 3, 4, 5, 6, 7:
		return padded(append(dst, '.'), part%100, 2)
	}
	return padded(append(dst, '.'), part, 6)
}
