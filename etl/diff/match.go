package diff

import (
	"bytes"
	"slices"
)

// rows are those of one key, by side.
type rows [2][][]byte

// bucket compares the rows of a bucket.
func (c *comparison) bucket(records []byte) {
	byKey := map[string]*rows{}
	for len(records) > 0 {
		var r record
		r, records = next(records)
		g := byKey[string(r.key)]
		if g == nil {
			g = new(rows)
			byKey[string(r.key)] = g
		}
		g[r.side] = append(g[r.side], r.body)
	}
	for key, g := range byKey { // in any order: what comes of it is counts, and the samples of the least keys
		c.key([]byte(key), g)
	}
}

// key compares the rows of one key.
func (c *comparison) key(key []byte, g *rows) {
	r := c.result
	r.RowsHere += int64(len(g[0]))
	r.RowsThere += int64(len(g[1]))
	r.RepeatedHere += int64(max(len(g[0])-1, 0))
	r.RepeatedThere += int64(max(len(g[1])-1, 0))
	if len(g[0]) > 1 || len(g[1]) > 1 {
		c.dropEqual(g)
	}
	both := min(len(g[0]), len(g[1]))
	for i := range both {
		c.row(key, g[0][i], g[1][i])
	}
	for side, n := range []*int64{&r.OnlyHere, &r.OnlyThere} {
		more := int64(len(g[side]) - both)
		*n += more
		if more > 0 {
			c.only[side].add(c.o.Samples, key, func() Differs { return Differs{Key: c.texts(key)} })
		}
	}
}

// dropEqual puts the rows of a key that occurs more than once in order, and takes out those that both sides have.
func (c *comparison) dropEqual(g *rows) {
	slices.SortFunc(g[0], bytes.Compare)
	slices.SortFunc(g[1], bytes.Compare)
	var left rows
	i, j := 0, 0
	for i < len(g[0]) && j < len(g[1]) {
		switch bytes.Compare(g[0][i], g[1][j]) {
		case 0:
			c.result.Equal++
			i++
			j++
		case -1:
			left[0] = append(left[0], g[0][i])
			i++
		default:
			left[1] = append(left[1], g[1][j])
			j++
		}
	}
	left[0] = append(left[0], g[0][i:]...)
	left[1] = append(left[1], g[1][j:]...)
	*g = left
}

// row compares two rows of the same key, column by column.
func (c *comparison) row(key, here, there []byte) {
	if bytes.Equal(here, there) {
		c.result.Equal++
		return
	}
	differ := false
	for i, p := range c.pairs[c.keys:] {
		var a, b value
		a, here = take(here)
		b, there = take(there)
		if p.same(a, b, c.o.Tolerance) {
			continue
		}
		differ = true
		column := c.keys + i
		c.result.Columns[column].Different++
		c.samples[column].add(c.o.Samples, key, func() Differs { return Differs{c.texts(key), a.String(), b.String()} })
	}
	if differ {
		c.result.Different++
	} else {
		c.result.Equal++
	}
}

// texts are a key's values for people.
func (c *comparison) texts(key []byte) []string {
	var out []string
	for len(key) > 0 {
		var v value
		v, key = take(key)
		out = append(out, v.String())
	}
	return out
}
