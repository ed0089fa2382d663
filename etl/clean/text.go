package clean

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// tidier gives what becomes of the values of an array, as an array of the same length that the caller releases: the same one,
// retained, where nothing does. An array of strings may be a Dictionary<uint32, string>, before and after.
type tidier func(a arrow.Array, mem memory.Allocator) (arrow.Array, error)

// tidierOf compiles what becomes of the values of a type; nil: nothing. whole: they are the column's values, else elements of
// those, for which no default stands in.
func tidierOf(t schema.Type, c *schema.Clean, column *schema.Column, whole bool) (tidier, error) {
	k, err := fixedOf(t, column)
	switch {
	case err != nil:
		return nil, err
	case k != nil:
		return k.tidier(c, whole)
	case c.ClampMin+c.ClampMax != "" && t.Elem == nil:
		return nil, fmt.Errorf("clamp is for numbers, dates and timestamps, not for %s", t)
	}
	var standIn []byte
	if whole && c.Default != "" {
		if standIn, err = defaultText(t, c.Default); err != nil {
			return nil, err
		}
	}
	switch {
	case t.Kind == schema.String && c.Tidies():
		return rewriter(func(dst, s []byte) ([]byte, bool) {
			n := len(dst)
			dst = c.AppendText(dst, s)
			return dst, !c.IsNull(dst[n:])
		}, c.Keeps, standIn), nil
	case standIn != nil:
		return rewriter(asItIs, func([]byte) bool { return true }, standIn), nil
	case t.Elem != nil:
		inner, err := tidierOf(*t.Elem, c, column, false)
		if inner == nil || err != nil {
			return nil, err
		}
		return func(a arrow.Array, mem memory.Allocator) (arrow.Array, error) { return tidyElements(a, inner, mem) }, nil
	}
	return nil, nil
}

func asItIs(dst, s []byte) ([]byte, bool) { return append(dst, s...), true }

// rewrite appends what becomes of a text to dst; false: it becomes null.
type rewrite func(dst, s []byte) (out []byte, there bool)

// rewriter is the tidier of texts and bytes. What keeps says yes of stays as it is; nil: nobody knows. standIn stands for null; nil:
// null stays.
func rewriter(f rewrite, keeps func(s []byte) bool, standIn []byte) tidier {
	return func(a arrow.Array, mem memory.Allocator) (arrow.Array, error) {
		if d, ok := a.(*array.Dictionary); ok {
			return rewriteCoded(d, f, standIn, mem)
		}
		if keeps != nil && (standIn == nil || a.NullN() == 0) && allKept(a, keeps) {
			a.Retain()
			return a, nil
		}
		return rewritePlain(a, f, standIn, mem)
	}
}

// heap gathers texts one after the other.
type heap struct {
	offsets []int32
	bytes   []byte
}

var errHeap = errors.New("cleaning: the texts of a column pass 2 GiB in one batch")

// add ends the text that was appended to bytes.
func (h *heap) add() error {
	if len(h.bytes) > math.MaxInt32 {
		return errHeap
	}
	h.offsets = append(h.offsets, int32(len(h.bytes)))
	return nil
}

func (h *heap) into(m *batch.Maker) {
	b := arrow.GetBytes(h.offsets)
	copy(m.Buffer(len(b)), b)
	copy(m.Buffer(len(h.bytes)), h.bytes)
}

// allKept says whether all texts of an array that holds them one after the other stay as they are.
func allKept(a arrow.Array, keeps func(s []byte) bool) bool {
	data := a.Data()
	from, heap := arrow.GetOffsets[int32](data, 1), heapOf(data)
	for i := range a.Len() {
		if a.IsValid(i) && !keeps(heap[from[i]:from[i+1]]) {
			return false
		}
	}
	return true
}

func heapOf(data arrow.ArrayData) []byte {
	if b := data.Buffers()[2]; b != nil {
		return b.Bytes()
	}
	return nil
}

// rewritePlain is rewriter for an array that holds its texts one after the other.
func rewritePlain(a arrow.Array, f rewrite, standIn []byte, mem memory.Allocator) (arrow.Array, error) {
	data := a.Data()
	from, given := arrow.GetOffsets[int32](data, 1), heapOf(data)
	n := a.Len()
	h := heap{offsets: make([]int32, 1, n+1), bytes: make([]byte, 0, int(from[n]-from[0]))}
	valid := make([]bool, n)
	changed := false
	for i := range n {
		start := len(h.bytes)
		if was := a.IsValid(i); was {
			s := given[from[i]:from[i+1]]
			if h.bytes, valid[i] = f(h.bytes, s); !valid[i] {
				h.bytes = h.bytes[:start]
			}
			changed = changed || !valid[i] || string(h.bytes[start:]) != string(s)
		}
		if !valid[i] && standIn != nil {
			h.bytes, valid[i], changed = append(h.bytes, standIn...), true, true
		}
		if err := h.add(); err != nil {
			return nil, err
		}
	}
	if !changed {
		a.Retain()
		return a, nil
	}
	m := &batch.Maker{Mem: mem, N: n}
	defer m.Release()
	addValidity(m, valid)
	h.into(m)
	return finish(m, a.DataType()), nil
}

// rewriteCoded is rewriter for a dictionary array: each distinct text is looked at once. Texts that become alike are one entry
// then, those that become null are none.
func rewriteCoded(d *array.Dictionary, f rewrite, standIn []byte, mem memory.Allocator) (arrow.Array, error) {
	entries, ok := d.Dictionary().(*array.String)
	if !ok {
		return nil, fmt.Errorf("cleaning: a dictionary of %s", d.Dictionary().DataType())
	}
	const none = math.MaxUint32
	var h heap
	h.offsets = append(h.offsets, 0)
	codes := map[string]uint32{}
	code := func(start int) (uint32, error) {
		if c, ok := codes[string(h.bytes[start:])]; ok {
			h.bytes = h.bytes[:start]
			return c, nil
		}
		c := uint32(len(codes))
		codes[string(h.bytes[start:])] = c
		return c, h.add()
	}
	becomes := make([]uint32, entries.Len())
	changed, nulls := false, d.NullN() > 0
	var err error
	for i := range becomes {
		s, start, there := entries.Value(i), len(h.bytes), false
		if h.bytes, there = f(h.bytes, []byte(s)); !there {
			h.bytes, becomes[i], changed, nulls = h.bytes[:start], none, true, true
			continue
		}
		changed = changed || string(h.bytes[start:]) != s
		if becomes[i], err = code(start); err != nil {
			return nil, err
		}
	}
	if !changed && (standIn == nil || !nulls) {
		d.Retain()
		return d, nil
	}
	stands := uint32(none)
	if standIn != nil && nulls {
		start := len(h.bytes)
		h.bytes = append(h.bytes, standIn...)
		if stands, err = code(start); err != nil {
			return nil, err
		}
	}
	out, valid := make([]uint32, d.Len()), make([]bool, d.Len())
	given := arrow.GetValues[uint32](d.Indices().Data(), 1)
	for i := range out {
		c := stands
		if d.IsValid(i) {
			if c = becomes[given[i]]; c == none {
				c = stands
			}
		}
		if valid[i] = c != none; valid[i] {
			out[i] = c
		}
	}
	values := &batch.Maker{Mem: mem, N: len(codes)}
	defer values.Release()
	values.Buffers = append(values.Buffers, nil)
	h.into(values)
	dictionary := values.Data(arrow.BinaryTypes.String)
	defer dictionary.Release()
	m := &batch.Maker{Mem: mem, N: len(out)}
	defer m.Release()
	addValidity(m, valid)
	b := arrow.GetBytes(out)
	copy(m.Buffer(len(b)), b)
	coded := m.Coded(d.DataType().(*arrow.DictionaryType), dictionary)
	defer coded.Release()
	return array.MakeFromData(coded), nil
}

// tidyElements tidies the elements of lists, and the values of maps.
func tidyElements(a arrow.Array, inner tidier, mem memory.Allocator) (arrow.Array, error) {
	data := a.Data()
	elements := data.Children()[0]
	at := elements
	if a.DataType().ID() == arrow.MAP {
		at = elements.Children()[1]
	}
	was := array.MakeFromData(at)
	defer was.Release()
	is, err := inner(was, mem)
	if err != nil {
		return nil, err
	}
	defer is.Release()
	if is == was {
		a.Retain()
		return a, nil
	}
	child := is.Data()
	if at != elements {
		entries := array.NewData(elements.DataType(), elements.Len(), elements.Buffers(), []arrow.ArrayData{elements.Children()[0], child}, elements.NullN(), elements.Offset())
		defer entries.Release()
		child = entries
	}
	next := array.NewData(data.DataType(), data.Len(), data.Buffers(), []arrow.ArrayData{child}, a.NullN(), data.Offset())
	defer next.Release()
	return array.MakeFromData(next), nil
}

// defaultText reads the default of a column of texts or bytes.
func defaultText(t schema.Type, json string) ([]byte, error) {
	switch t.Kind {
	case schema.String:
		return append([]byte{}, scalar(json)...), nil
	case schema.JSON:
		return jsontext.AppendCompact(nil, []byte(json)), nil
	case schema.Binary:
		b, err := base64.StdEncoding.AppendDecode([]byte{}, []byte(scalar(json)))
		if err != nil {
			return nil, fmt.Errorf("default %s is no base64", json)
		}
		return b, nil
	}
	return nil, fmt.Errorf("a default is for single values, not for %s", t)
}
