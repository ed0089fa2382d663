package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"math/rand/v2"
	"time"
	"unicode/utf8"

	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"
)

// The first drop arrives over these days, the second on the day after.
var firstDay = time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC)

const firstDays = 3

// source describes how one source's records look and how they are packed into objects.
type source struct {
	name  string
	share float64 // of Options.Records
	// perObject is how many records go to one object.
	perObject int
	// again is the share of records that are sent a second time, broken that of records that arrive unreadable.
	again, broken float64
	// record appends the members of record number i to r. drifted is set from the second drop on.
	record func(r *record, i int, arrived time.Time, drifted bool)
	// spoil turns a good record's text into one that cannot be read, in one of several ways.
	spoil func(rng *rand.Rand, text []byte) []byte
	// pack lays the texts of an object's records out; n is the object's number in its drop.
	pack func(n int, texts [][]byte) []byte
	// suffix names the compression of object number n: "", ".gz" or ".zst".
	suffix func(n int) string
	// cut is the number of the first drop's object whose last bytes never arrived; negative: none.
	cut int
}

var sources = []source{iotSensors, shopOrders, appClicks}

// object is one raw object before it is written.
type object struct {
	arrived time.Time
	id      string
	suffix  string
	body    []byte
}

// maker makes the records of one source.
type maker struct {
	source
	seed          uint64
	first, second int // records numbered below first are new in drop 1, the next second ones in drop 2
	pcg           *rand.PCG
	rec           record
}

func newMaker(s source, o Options) *maker {
	h := fnv.New64a()
	h.Write([]byte(s.name))
	n := max(int(float64(o.Records)*s.share), 20)
	m := &maker{source: s, seed: o.Seed ^ h.Sum64(), first: n, second: max(n/12, 20), pcg: &rand.PCG{}}
	m.rec.Rand = rand.New(m.pcg)
	return m
}

// arrived is when record i arrives: spread evenly over the days of its drop.
func (m *maker) arrived(i int) time.Time {
	start, n, span := firstDay, m.first, firstDays*24*time.Hour
	if i >= m.first {
		start, n, span, i = start.Add(span), m.second, 24*time.Hour, i-m.first
	}
	return start.Add(time.Duration(float64(span) * (float64(i) + 0.5) / float64(n))).Truncate(time.Millisecond)
}

// text renders record i. Repeated records have another order of keys, other escapes and other white space.
func (m *maker) text(i int, repeated bool) []byte {
	m.pcg.Seed(m.seed, uint64(i))
	m.rec.reset()
	m.record(&m.rec, i, m.arrived(i), i >= m.first)
	return m.rec.render(repeated)
}

// drop makes the objects of a drop, gives each to put, and says what is in all of them.
func (m *maker) drop(n int, put func(object) error) (Source, error) {
	lo, hi, again := 0, m.first, m.again
	if n == 2 {
		lo, hi, again = m.first, m.first+m.second, 3*m.again
	}
	rng := rand.New(rand.NewPCG(m.seed+uint64(n), 0))
	planted := Source{Name: m.name}
	objects := 0
	var texts [][]byte
	flush := func(last int) error {
		if len(texts) == 0 {
			return nil
		}
		x := object{arrived: m.arrived(last), id: fmt.Sprintf("%08x", rng.Uint32()), suffix: m.suffix(objects)}
		x.body = compress(x.suffix, m.pack(objects, texts))
		if n == 1 && objects == m.cut {
			// The checksum and the length at the end of a gzip are missing: all records can be read, and the break counts
			// as one more that is broken.
			x.body = x.body[:len(x.body)-8]
			planted.Broken++
			planted.Records++
		}
		objects++
		texts = texts[:0]
		return put(x)
	}
	for i := lo; i < hi; i++ {
		texts = append(texts, m.text(i, false))
		planted.Records++
		if rng.Float64() < again {
			back := i
			if n == 2 {
				back = rng.IntN(m.first)
			} else {
				back -= rng.IntN(min(i, 2000) + 1)
			}
			texts = append(texts, m.text(back, true))
			planted.Records++
			planted.Duplicates++
		}
		if rng.Float64() < m.broken || i == lo+3 {
			texts = append(texts, m.spoil(rng, m.text(i, false)))
			planted.Records++
			planted.Broken++
		}
		if (i-lo+1)%m.perObject == 0 {
			if err := flush(i); err != nil {
				return planted, err
			}
		}
	}
	return planted, flush(hi - 1)
}

func compress(suffix string, text []byte) []byte {
	var b bytes.Buffer
	switch suffix {
	case ".gz":
		w := gzip.NewWriter(&b)
		w.Write(text) // a bytes.Buffer takes everything
		w.Close()
	case ".zst":
		w, err := zstd.NewWriter(&b, zstd.WithEncoderConcurrency(1))
		if err != nil {
			panic("demo: zstd refuses its own defaults: " + err.Error())
		}
		w.Write(text)
		w.Close()
	default:
		return text
	}
	return b.Bytes()
}

// record collects the members of an object in order. Values are raw JSON.
type record struct {
	*rand.Rand
	members []member
}

type member struct {
	key    string
	value  string
	nested []member
}

func (r *record) reset() { r.members = r.members[:0] }

func (r *record) add(key, value string) {
	r.members = append(r.members, member{key: key, value: value})
}

func (r *record) nest(key string, inner []member) {
	r.members = append(r.members, member{key: key, nested: inner})
}

// pick chooses one of the values.
func pick[T any](r *rand.Rand, values ...T) T { return values[r.IntN(len(values))] }

// chance is true with the probability p.
func chance(r *rand.Rand, p float64) bool { return r.Float64() < p }

// quote makes a text a JSON string.
func quote(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic("demo: a string is always valid JSON: " + err.Error())
	}
	return string(b)
}

// stamp is a time as RFC 3339 with milliseconds, in quotes.
func stamp(t time.Time) string { return t.Format(`"2006-01-02T15:04:05.000Z07:00"`) }

func (r *record) render(other bool) []byte {
	b := appendObject(make([]byte, 0, 512), r.members, other)
	if other {
		b = escape(b)
	}
	return b
}

// appendObject renders members; other means backwards and with white space.
func appendObject(b []byte, members []member, other bool) []byte {
	b = append(b, '{')
	for i := range members {
		if i > 0 {
			b = append(b, ',')
		}
		m := &members[i]
		if other {
			m = &members[len(members)-1-i]
			b = append(b, ' ')
		}
		b = append(append(append(b, '"'), m.key...), '"', ':')
		if other {
			b = append(b, ' ')
		}
		if m.nested != nil {
			b = appendObject(b, m.nested, other)
		} else {
			b = append(b, m.value...)
		}
	}
	return append(b, '}')
}

// escape writes what is not ASCII as \u escapes.
func escape(text []byte) []byte {
	var b []byte
	for len(text) > 0 {
		r, n := utf8.DecodeRune(text)
		switch {
		case r < 0x80:
			b = append(b, byte(r))
		case r < 0x10000:
			b = fmt.Appendf(b, `\u%04x`, r)
		default:
			b = fmt.Appendf(b, `\u%04x\u%04x`, 0xd800+(r-0x10000)>>10, 0xdc00+(r-0x10000)&0x3ff)
		}
		text = text[n:]
	}
	return b
}

// lines packs one record a line.
func lines(_ int, texts [][]byte) []byte {
	return append(bytes.Join(texts, []byte{'\n'}), '\n')
}

// spoil breaks a record's text in a way that costs this record alone.
func spoil(rng *rand.Rand, text []byte) []byte {
	switch rng.IntN(6) {
	case 0: // cut off by a sender that died
		return text[:len(text)*2/3]
	case 1: // not a number of JSON
		return append(text[:len(text)-1], `,"ratio":NaN}`...)
	case 2: // a comma too many
		return append(text[:len(text)-1], ",}"...)
	case 3: // Latin-1 where UTF-8 is due
		return append(text[:len(text)-1], ",\"note\":\"caf\xe9\"}"...)
	case 4: // half a surrogate pair
		return append(text[:len(text)-1], `,"note":"\ud83d"}`...)
	}
	return []byte(`"heartbeat"`) // JSON, but no record
}
