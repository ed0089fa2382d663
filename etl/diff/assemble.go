package diff

import (
	"bytes"
	"cmp"
	"math/big"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
)

// node is a field of a file's schema, from which values are put together.
type node struct {
	name     string
	kind     kind
	optional bool
	repeated bool
	scale    int // of a decimal
	unsigned bool
	uuid     bool
	def, rep int
	leaf     int     // its column, -1 for a group
	first    int     // the first column below it
	kids     []*node // of a group
	order    []*node // the same by name
	list     bool    // a group that is a list: its elements are those of the repeated field below it
	keyed    bool    // a map
}

func newNode(c *parquet.Column) *node {
	n := &node{name: c.Name(), optional: c.Optional(), repeated: c.Repeated(), def: c.MaxDefinitionLevel(), rep: c.MaxRepetitionLevel(), leaf: -1}
	if c.Leaf() {
		n.leaf, n.first = c.Index(), c.Index()
		n.leafKind(c.Type())
	} else {
		for _, k := range c.Columns() {
			n.kids = append(n.kids, newNode(k))
		}
		n.first = -1
		if len(n.kids) > 0 {
			n.first = n.kids[0].first
		}
		n.kind = kind{class: nested, name: n.groupName(c.Type())}
	}
	n.order = slices.Clone(n.kids)
	slices.SortFunc(n.order, func(a, b *node) int { return cmp.Compare(strings.ToLower(a.name), strings.ToLower(b.name)) })
	return n
}

// column is the kind of the field as a whole.
func (n *node) column() kind {
	if n.repeated {
		return kind{class: nested, name: "list<" + n.kind.name + ">"}
	}
	return n.kind
}

// groupName finds out what a group is.
func (n *node) groupName(t parquet.Type) string {
	logical := format.LogicalTypeValue(nil)
	if l := t.LogicalType(); l != nil {
		logical = l.Value
	}
	single := len(n.kids) == 1 && n.kids[0].repeated
	switch logical.(type) {
	case *format.ListType:
		if n.list = single; single {
			return "list<" + n.element().kind.name + ">"
		}
	case *format.MapType:
		if n.keyed = single && len(n.kids[0].kids) == 2; n.keyed {
			return "map<" + n.kids[0].kids[0].column().name + "," + n.kids[0].kids[1].column().name + ">"
		}
	}
	var fields []string
	for _, k := range n.kids {
		fields = append(fields, k.name+":"+k.column().name)
	}
	return "struct<" + strings.Join(fields, ",") + ">"
}

// element is what a list's repeated field holds: its only field, or, in old files, itself.
func (n *node) element() *node {
	r := n.kids[0]
	if len(r.kids) == 1 && r.name != "array" && !strings.HasSuffix(r.name, "_tuple") {
		return r.kids[0]
	}
	return r
}

// leafKind finds out what a leaf's values are.
func (n *node) leafKind(t parquet.Type) {
	if l := t.LogicalType(); l != nil {
		switch l := l.Value.(type) {
		case *format.DecimalType:
			n.kind, n.scale = kind{class: decimal, name: "decimal(" + strconv.Itoa(int(l.Precision)) + "," + strconv.Itoa(int(l.Scale)) + ")"}, int(l.Scale)
			return
		case *format.DateType:
			n.kind = kind{class: date, name: "date"}
			return
		case *format.TimestampType:
			unit := int64(time.Millisecond)
			if l.Unit.Value != nil {
				unit = int64(l.Unit.Value.Duration())
			}
			n.kind = kind{class: instant, unit: unit, name: "timestamp(" + map[int64]string{1: "ns", 1e3: "us", 1e6: "ms"}[unit] + ")"}
			return
		case *format.IntType:
			n.unsigned = !l.IsSigned
		case *format.UUIDType:
			n.kind, n.uuid = kind{class: text, name: "uuid"}, true
			return
		}
	}
	switch t.Kind() {
	case parquet.Boolean:
		n.kind = kind{class: boolean, name: "boolean"}
	case parquet.Int32:
		n.kind = kind{class: whole, name: "int"}
	case parquet.Int64:
		n.kind = kind{class: whole, name: "bigint"}
	case parquet.Int96:
		n.kind = kind{class: instant, unit: 1, name: "timestamp(ns, int96)"}
	case parquet.Float:
		n.kind = kind{class: single, name: "float"}
	case parquet.Double:
		n.kind = kind{class: double, name: "double"}
	default:
		n.kind = kind{class: text, name: "string"}
		if t.LogicalType() == nil {
			n.kind.name = "binary"
		}
	}
	if n.unsigned {
		n.kind.name = "unsigned " + n.kind.name
	}
}

// cursor goes through the values of a row, column by column.
type cursor struct {
	row parquet.Row
	at  []int // by column: the next value
	end []int // and where the column's values end
}

// set places the cursor at the beginning of a row.
func (c *cursor) set(row parquet.Row, columns int) {
	c.row = row
	c.at, c.end = slices.Grow(c.at[:0], columns)[:columns], slices.Grow(c.end[:0], columns)[:columns]
	clear(c.at)
	clear(c.end)
	for i := range row {
		k := row[i].Column()
		if c.end[k] == 0 {
			c.at[k] = i
		}
		c.end[k] = i + 1
	}
}

func (c *cursor) more(leaf int) bool {
	return leaf >= 0 && leaf < len(c.at) && c.at[leaf] < c.end[leaf]
}

// defined is the definition level of a column's next value, rep its repetition level.
func (c *cursor) defined(leaf int) int {
	if !c.more(leaf) {
		return -1
	}
	return c.row[c.at[leaf]].DefinitionLevel()
}

// again says whether a column's next value belongs to one more element of a field that repeats at level rep.
func (c *cursor) again(leaf, rep int) bool {
	return c.more(leaf) && c.row[c.at[leaf]].RepetitionLevel() == rep
}

// skip passes one value of each column below n.
func (c *cursor) skip(n *node) {
	if n.leaf >= 0 {
		c.at[n.leaf]++
		return
	}
	for _, k := range n.kids {
		c.skip(k)
	}
}

// value puts the next value of a field together. A repeated field's is a list.
func (n *node) value(c *cursor) value {
	if n.repeated {
		return n.elements(c, n)
	}
	return n.one(c)
}

// elements reads a repeated field: of each repetition the value of e, which is the field itself or the only one below it.
func (n *node) elements(c *cursor, e *node) value {
	if c.defined(n.first) < n.def {
		c.skip(n)
		return value{class: nested, b: []byte("[]")}
	}
	b := []byte{'['}
	for i := 0; ; i++ {
		if i > 0 {
			b = append(b, ',')
		}
		b = e.one(c).json(b)
		if !c.again(n.first, n.rep) {
			return value{class: nested, b: append(b, ']')}
		}
	}
}

// one reads a field that does not repeat, or one repetition of it.
func (n *node) one(c *cursor) value {
	if c.defined(n.first) < n.def { // null, here or above
		c.skip(n)
		return value{}
	}
	switch {
	case n.leaf >= 0:
		v := c.row[c.at[n.leaf]]
		c.at[n.leaf]++
		return n.scalar(v)
	case n.list:
		return n.kids[0].elements(c, n.element())
	case n.keyed:
		return n.kids[0].entries(c)
	}
	b := []byte{'{'}
	for i, k := range n.order {
		if i > 0 {
			b = append(b, ',')
		}
		b = append(strconv.AppendQuote(b, strings.ToLower(k.name)), ':')
		b = k.value(c).json(b)
	}
	return value{class: nested, b: append(b, '}')}
}

// entries reads a map's repeated field, and puts the entries in order.
func (n *node) entries(c *cursor) value {
	if c.defined(n.first) < n.def {
		c.skip(n)
		return value{class: nested, b: []byte("{}")}
	}
	var all [][]byte
	for {
		e := n.kids[0].value(c).json(nil)
		all = append(all, n.kids[1].value(c).json(append(e, ':')))
		if !c.again(n.first, n.rep) {
			break
		}
	}
	slices.SortFunc(all, bytes.Compare)
	return value{class: nested, b: append(append([]byte{'{'}, bytes.Join(all, []byte{','})...), '}')}
}

// julian is the day 1970-01-01 as INT96 counts days.
const julian = 2440588

// scalar is a leaf's value, which is not null. Its bytes are copied where they are kept.
func (n *node) scalar(v parquet.Value) value {
	switch v.Kind() {
	case parquet.Boolean:
		if v.Boolean() {
			return value{class: boolean, n: 1}
		}
		return value{class: boolean}
	case parquet.Int32, parquet.Int64:
		i := v.Int64()
		if v.Kind() == parquet.Int32 {
			if i = int64(v.Int32()); n.unsigned {
				i = int64(v.Uint32())
			}
		}
		return n.integer(i)
	case parquet.Int96:
		x := v.Int96()
		nanos := int64(uint64(x[1])<<32 | uint64(x[0]))
		seconds := (int64(x[2])-julian)*86400 + nanos/1e9
		return value{class: instant, n: seconds, nanos: nanos % 1e9}
	case parquet.Float:
		return value{class: single, f: float64(v.Float())}
	case parquet.Double:
		return value{class: double, f: v.Double()}
	}
	b := v.ByteArray()
	switch {
	case n.kind.class == decimal || n.scale > 0:
		return value{class: decimal, b: decimalText(bigEndian(b), n.scale)}
	case n.uuid && len(b) == 16:
		const hex = "0123456789abcdef"
		var s []byte
		for i, c := range b {
			if i == 4 || i == 6 || i == 8 || i == 10 {
				s = append(s, '-')
			}
			s = append(s, hex[c>>4], hex[c&15])
		}
		return value{class: text, b: s}
	}
	return value{class: text, b: b}
}

func (n *node) integer(i int64) value {
	switch n.kind.class {
	case decimal:
		return value{class: decimal, b: decimalText(big.NewInt(i), n.scale)}
	case date:
		return value{class: date, n: i}
	case instant:
		per := int64(time.Second) / n.kind.unit
		seconds := floor(i, per) / per
		return value{class: instant, n: seconds, nanos: (i - seconds*per) * n.kind.unit}
	}
	if n.unsigned && i < 0 {
		return value{class: decimal, b: decimalText(new(big.Int).SetUint64(uint64(i)), 0)}
	}
	return value{class: whole, n: i}
}
