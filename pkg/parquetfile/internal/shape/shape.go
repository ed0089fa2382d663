// Package shape is the tree of a file's fields, and its columns with their levels: made of an Arrow schema, written as a
// footer's elements, and parsed from them.
package shape

import (
	"math/bits"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/stats"
)

// Kind is what a Node is.
type Kind uint8

// The kinds of nodes.
const (
	LeafNode Kind = iota
	StructNode
	ListNode
	MapNode
)

// Node is one field of a schema, seen from Arrow's side: a list or a map is one node, though it is two or three groups
// in Parquet.
//
// Levels: a null at the node has definition level Def-1 (an optional node), a present one at least Def. An empty list
// or map has exactly Def; where it has elements they lie at Def+1 and above, and Rep is the repetition level of all but
// the first.
type Node struct {
	Name     string
	Kind     Kind
	Type     arrow.DataType // of the values, never a dictionary type
	Optional bool
	Def, Rep uint8
	Kids     []*Node // the fields of a struct; the element of a list; key and value of a map
	Leaf     *Leaf   // of a LeafNode
}

// Leaf is a column of the file.
type Leaf struct {
	Index  int      // among the file's columns
	Path   []string // in Parquet's terms
	Chain  []*Node  // from the top-level field down to the leaf's node
	Phys   format.Type
	Width  int // bytes of a value, 0 for byte arrays and booleans
	Order  stats.Order
	UTF8   bool
	MaxDef uint8
	MaxRep uint8
}

// Node is the leaf's own node.
func (l *Leaf) Node() *Node { return l.Chain[len(l.Chain)-1] }

// String is the column's path, for errors.
func (l *Leaf) String() string { return strings.Join(l.Path, ".") }

// Schema is the tree of a file's fields and its columns, in order.
type Schema struct {
	Fields []*Node
	Leaves []*Leaf
}

// LevelBits is how wide levels up to top are packed.
func LevelBits(top uint8) int { return bits.Len8(top) }
