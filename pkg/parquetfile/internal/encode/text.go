package encode

import (
	"encoding/binary"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/decimal128"
	"github.com/parquet-go/parquet-go/bloom/xxhash"
	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/dict"
	"datalake/pkg/parquetfile/internal/fault"
	"datalake/pkg/parquetfile/internal/pool"
	"datalake/pkg/parquetfile/internal/shape"
	"datalake/pkg/parquetfile/internal/stats"
)

// byteStrings holds strings, binaries, and decimals of more than 18 digits.
type byteStrings struct {
	leaf    *shape.Leaf
	lim     *Limits
	compact bool
	bloom   bool

	stage  stage
	table  dict.Texts
	before int    // values of the table before this page
	size   int    // of the values of the first stage, where they are coded
	arena  []byte // values that are not coded, end to end
	lens   []int32
	filter filter // of the chunk's values, where bloom wants it
}

func newByteStrings(l *shape.Leaf, lim *Limits, compact, bloom bool) *byteStrings {
	return &byteStrings{leaf: l, lim: lim, compact: compact, bloom: bloom}
}

func (b *byteStrings) full() bool { return b.room() <= 0 }

func (b *byteStrings) room() int {
	switch b.stage {
	case first:
		return b.lim.PageBytes - b.size - len(b.arena)
	case coded:
		return b.lim.PageBytes - len(b.table.Text)
	}
	return b.lim.PageBytes - len(b.arena)
}

func (b *byteStrings) append(s *Scratch, src *Source, rows []uint32, all bool) (int, error) {
	limit := b.lim.PageBytes
	if all {
		limit = math.MaxInt
	}
	text, index := src.text, src.index
	if src.wide != nil {
		var err error
		if text, err = b.unscaled(s, src.wide, rows); err != nil {
			return 0, err
		}
		rows = s.UpTo(len(rows))
	}
	var xlate []uint32
	if b.stage != plain {
		xlate = s.translation(index, len(text.offsets)-1, len(rows))
	}
	took := 0
	if b.stage == first {
		took = b.begin(s, text, index, xlate, rows, limit)
		if rows = rows[took:]; len(rows) == 0 || b.size+len(b.arena) >= limit {
			return took, nil
		}
		b.judge(s)
	}
	if b.stage == coded {
		return took + b.code(text, index, xlate, rows, limit), nil
	}
	return took + b.keep(text, index, rows, limit), nil
}

// begin adds values of the first stage: up to the end of the sample, or to the one with which they reach limit.
func (b *byteStrings) begin(s *Scratch, text binarySource, index, xlate, rows []uint32, limit int) int {
	rows = rows[:min(len(rows), b.lim.Sample-len(b.lens)-len(b.table.Codes))]
	if index == nil && len(b.table.Codes) == 0 {
		return b.keep(text, nil, rows, limit)
	}
	b.codeKept(s)
	for i, r := range rows {
		if index != nil {
			r = index[r]
		}
		if b.size += int(text.offsets[r+1] - text.offsets[r]); b.size >= limit {
			rows = rows[:i+1]
			break
		}
	}
	return b.code(text, index, xlate, rows, math.MaxInt)
}

// codeKept codes the values of the page that were kept.
func (b *byteStrings) codeKept(s *Scratch) {
	if len(b.lens) == 0 {
		return
	}
	s.kept = append(s.kept[:0], 0)
	for i, n := range b.lens {
		s.kept = append(s.kept, s.kept[i]+n)
	}
	b.table.Append(s.kept, b.arena, s.UpTo(len(b.lens)), math.MaxInt)
	b.size += len(b.arena)
	b.arena, b.lens = b.arena[:0], b.lens[:0]
}

// judge ends the first stage.
func (b *byteStrings) judge(s *Scratch) {
	b.stage = coded
	if n := len(b.lens) + len(b.table.Codes); !few(n, b.lim) && hopeless(b.marked(s), n) {
		b.stage = plain
		b.lens = pool.Int32s.Grow(b.lens, len(b.table.Codes))
		for _, c := range b.table.Codes {
			b.add(b.table.Value(c))
			b.lens = append(b.lens, int32(len(b.table.Value(c))))
		}
		b.table.Freeze(0)
	} else {
		b.codeKept(s)
	}
	b.size = 0
}

// marked is about how many distinct values the first stage has.
func (b *byteStrings) marked(s *Scratch) int {
	s.marks = marks{}
	n, at := 0, 0
	for _, k := range b.lens {
		n += s.marks.add(dict.HashText(b.arena[at : at+int(k)]))
		at += int(k)
	}
	for c := range b.table.Ends {
		n += s.marks.add(dict.HashText(b.table.Value(int32(c))))
	}
	return n
}

// code adds values to the page by their codes, up to the one with which the dictionary reaches limit.
func (b *byteStrings) code(text binarySource, index, xlate, rows []uint32, limit int) int {
	t := &b.table
	if index == nil {
		return t.Append(text.offsets, text.data, rows, limit)
	}
	n := len(t.Codes)
	t.Codes = pool.Int32s.Grow(t.Codes, len(rows))[:n+len(rows)]
	codes := t.Codes[n:]
	for i, r := range rows {
		k := index[r]
		if xlate != nil {
			if c := xlate[k]; c != 0 {
				codes[i] = int32(c - 1)
				continue
			}
		}
		codes[i] = t.Code(text.value(k))
		if xlate != nil {
			xlate[k] = uint32(codes[i]) + 1
		}
		if len(t.Text) >= limit {
			t.Codes = t.Codes[:n+i+1]
			return i + 1
		}
	}
	return len(rows)
}

// keep adds values to the page as they are, up to the one with which it reaches limit. Values that follow each other in the
// source are copied at once: rows of one file mostly do.
func (b *byteStrings) keep(text binarySource, index, rows []uint32, limit int) int {
	n := len(b.lens)
	b.lens = pool.Int32s.Grow(b.lens, len(rows))[:n+len(rows)]
	lens := b.lens[n:]
	for i := 0; i < len(rows); {
		k := rows[i]
		next := i + 1
		if index != nil {
			k = index[k]
		} else {
			for next < len(rows) && rows[next] == k+uint32(next-i) {
				next++
			}
		}
		offsets := text.offsets[k : int(k)+next-i+1]
		for j := range lens[i:next] {
			lens[i+j] = offsets[j+1] - offsets[j]
		}
		if room := limit - len(b.arena); int(offsets[next-i]-offsets[0]) >= room { // the page ends within
			j := 1
			for int(offsets[j]-offsets[0]) < room {
				j++
			}
			b.add(text.data[offsets[0]:offsets[j]])
			b.lens = b.lens[:n+i+j]
			return i + j
		}
		b.add(text.data[offsets[0]:offsets[next-i]])
		i = next
	}
	return len(rows)
}

func (b *byteStrings) add(text []byte) {
	b.arena = append(pool.Bytes.Grow(b.arena, len(text)), text...)
}

// translation is an empty table from the indexes of a dictionary of n values to the column's codes plus one, if so many rows
// are worth it.
func (s *Scratch) translation(index []uint32, n, rows int) []uint32 {
	if index == nil || n <= 0 || n > 4*rows+64 {
		return nil
	}
	s.xlate = grow(s.xlate, n)
	clear(s.xlate)
	return s.xlate
}

// unscaled are the decimals at the given rows as the file has them, in the scratch's memory.
func (b *byteStrings) unscaled(s *Scratch, wide []decimal128.Num, rows []uint32) (binarySource, error) {
	digits := b.leaf.Node().Type.(*arrow.Decimal128Type).Precision
	s.wide, s.ends = s.wide[:0], append(s.ends[:0], 0)
	var v [16]byte
	for _, r := range rows {
		d := wide[r]
		if !d.FitsInPrecision(digits) {
			return binarySource{}, fault.Typef("a value of more than %d digits in %s", digits, b.leaf)
		}
		binary.BigEndian.PutUint64(v[:], uint64(d.HighBits()))
		binary.BigEndian.PutUint64(v[8:], d.LowBits())
		s.wide = append(s.wide, v[16-b.leaf.Width:]...)
		s.ends = append(s.ends, int32(len(s.wide)))
	}
	return binarySource{offsets: s.ends, data: s.wide}, nil
}

func (b *byteStrings) encode(s *Scratch, body []byte) encodedPage {
	if b.stage == first && len(b.lens)+len(b.table.Codes) > 0 {
		b.judge(s)
	}
	arena, lens := b.arena, b.lens
	b.arena, b.lens = b.arena[:0], emptied(&pool.Int32s, b.lens, b.lim)
	if len(b.table.Codes) > 0 {
		p, ok := b.encodeCodes(s, body)
		if ok {
			return p
		}
		arena, lens = s.text, s.lens
	} else if cap(arena) > 2*b.lim.PageBytes { // one huge value must not stay for ever
		b.arena = nil
	}
	if len(lens) == 0 {
		return encodedPage{body: body, split: len(body), encoding: format.Plain}
	}
	p := encodedPage{encoding: format.Plain}
	e := stats.Extremes{Signed: b.leaf.Order == stats.Signed}
	at := 0
	if b.bloom {
		b.filter.room(len(lens), b.lim.GroupRows)
	}
	for _, n := range lens {
		v := arena[at : at+int(n) : at+int(n)]
		at += int(n)
		e.Add(v)
		if b.bloom {
			b.filter.hashes = append(b.filter.hashes, xxhash.Sum64(v))
		}
	}
	p.bounds = e.Bounds(b.leaf.UTF8)
	switch {
	case b.leaf.Width > 0:
		p.body = append(body, arena...)
		p.split = len(p.body)
	case b.compact:
		p.encoding = format.DeltaLengthByteArray
		s.delta, _ = new(delta.BinaryPackedEncoding).EncodeInt32(s.delta, lens)
		p.body = append(body, s.delta...)
		p.split = len(p.body)
		p.body = append(p.body, arena...)
	default:
		at = 0
		p.body = body
		for _, n := range lens {
			p.body = binary.LittleEndian.AppendUint32(p.body, uint32(n))
			p.body = append(p.body, arena[at:at+int(n)]...)
			at += int(n)
		}
		p.split = len(p.body)
	}
	return p
}

// encodeCodes writes the page by the dictionary if that is smaller. Else it puts the page's values into the scratch's
// text and lens, takes back what the page added to the dictionary, and ends its use.
func (b *byteStrings) encodeCodes(s *Scratch, body []byte) (encodedPage, bool) {
	n := len(b.table.Ends)
	codes := s.indexes(b.table.Codes, n)
	old := 0
	if b.before > 0 {
		old = int(b.table.Ends[b.before-1])
	}
	cost := len(b.table.Text) - old + len(codes)
	if b.before == 0 {
		cost += dictOverhead
	}
	plain := 0
	if b.leaf.Width == 0 {
		cost += 4 * (n - b.before)
		if b.compact {
			plain = len(b.table.Codes) / 2 // lengths, about
		} else {
			plain = len(b.table.Codes) * 4
		}
	}
	pays := cost < plain+len(b.table.Codes)*b.table.Shortest() // mostly; else each value is looked at
	if !pays {
		for _, c := range b.table.Codes {
			plain += len(b.table.Value(c))
		}
		pays = cost < plain
	}
	if !pays {
		s.text, s.lens = s.text[:0], s.lens[:0]
		for _, c := range b.table.Codes {
			v := b.table.Value(c)
			s.text = append(s.text, v...)
			s.lens = append(s.lens, int32(len(v)))
		}
		b.stop(b.before)
		return encodedPage{}, false
	}
	e := stats.Extremes{Signed: b.leaf.Order == stats.Signed}
	for _, c := range s.used(b.table.Codes, n) {
		e.Add(b.table.Value(c))
	}
	body = appendIndexes(body, codes, n)
	p := encodedPage{body: body, split: len(body), encoding: format.RLEDictionary, bounds: e.Bounds(b.leaf.UTF8)}
	b.table.Codes, b.before = emptied(&pool.Int32s, b.table.Codes, b.lim), n
	if n >= b.lim.DictValues || len(b.table.Text) >= b.lim.PageBytes {
		b.stop(n)
	}
	return p, true
}

func (b *byteStrings) stop(n int) {
	b.stage = plain
	b.table.Freeze(n)
}

func (b *byteStrings) dictionary(body []byte) ([]byte, int) {
	for c := range b.table.Ends {
		v := b.table.Value(int32(c))
		if b.leaf.Width == 0 {
			body = binary.LittleEndian.AppendUint32(body, uint32(len(v)))
		}
		body = append(body, v...)
	}
	return body, len(b.table.Ends)
}

// finishFilter is the bloom filter of the chunk's values, valid until reset.
func (b *byteStrings) finishFilter() []byte {
	b.filter.room(len(b.table.Ends), b.lim.GroupRows)
	for c := range b.table.Ends {
		b.filter.hashes = append(b.filter.hashes, xxhash.Sum64(b.table.Value(int32(c))))
	}
	return b.filter.finish()
}

func (b *byteStrings) reset() {
	b.stage, b.before = first, 0
	b.filter.reset()
	if cap(b.table.Text) > 2*b.lim.PageBytes {
		b.table.Free()
	}
	b.table.Reset()
}

func (b *byteStrings) release() {
	b.table.Free()
	pool.Bytes.Put(b.arena)
	pool.Int32s.Put(b.lens)
	b.filter.release()
	b.arena, b.lens = nil, nil
}

func (b *byteStrings) memory() int {
	return cap(b.arena) + 4*cap(b.lens) + b.filter.memory() + b.table.Memory()
}
