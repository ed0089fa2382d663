package batch

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
)

// Maker gathers what one array of N values is made of. It takes over the buffers (nil for a validity bitmap that is not needed) and the
// children that it is given; Release gives up its hold on them, also after Data.
type Maker struct {
	Mem      memory.Allocator
	N, Nulls int
	Buffers  []*memory.Buffer
	Children []arrow.ArrayData
}

// Buffer adds a buffer of size bytes, which hold anything.
func (m *Maker) Buffer(size int) []byte {
	b := memory.NewResizableBuffer(m.Mem)
	b.Resize(size)
	m.Buffers = append(m.Buffers, b)
	return b.Bytes()
}

// Data makes the array data, which is the caller's to release.
func (m *Maker) Data(t arrow.DataType) arrow.ArrayData {
	return array.NewData(t, m.N, m.Buffers, m.Children, m.Nulls, 0)
}

// Coded is Data for codes of a dictionary.
func (m *Maker) Coded(t *arrow.DictionaryType, dictionary arrow.ArrayData) arrow.ArrayData {
	return array.NewDataWithDictionary(t, m.N, m.Buffers, m.Nulls, 0, dictionary.(*array.Data))
}

// Release gives up the maker's hold.
func (m *Maker) Release() {
	for _, b := range m.Buffers {
		if b != nil {
			b.Release()
		}
	}
	for _, c := range m.Children {
		c.Release()
	}
	m.Buffers, m.Children = nil, nil
}
