package diff

import (
	"context"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/parquet-go/parquet-go"
	"github.com/parquet-go/parquet-go/format"
	"github.com/zeebo/xxh3"

	"datalake/pkg/storage"
)

// field is a column of a set: of its files, or of their folders' names.
type field struct {
	name string
	kind kind
}

// opened is a file that is open.
type opened struct {
	*parquet.File
	reader *storage.Reader
	top    []*node
}

// open opens a file and reads its footer.
func open(ctx context.Context, f File) (*opened, error) {
	r, err := f.Open(ctx)
	if err != nil {
		return nil, err
	}
	o := &opened{reader: r}
	err = guard(func() (err error) {
		o.File, err = parquet.OpenFile(r, r.Info.Size, parquet.SkipPageIndex(true), parquet.SkipBloomFilters(true))
		if err == nil {
			for _, c := range o.Root().Columns() {
				o.top = append(o.top, newNode(c))
			}
			err = readable(o.Metadata())
		}
		return err
	})
	if err != nil {
		return nil, errors.Join(fmt.Errorf("%w: read %s as Parquet: %w", ErrUsage, f.Name, err), r.Close())
	}
	return o, nil
}

// readable refuses what parquet-go does not read right: booleans of which a data page is RLE (pages of format 2 have such), of which
// it makes other booleans without an error, and blocks of LZ4.
func readable(m *format.FileMetaData) error {
	for _, g := range m.RowGroups {
		for _, c := range g.Columns {
			x := &c.MetaData
			name := strings.Join(x.PathInSchema, ".")
			if x.Codec == format.Lz4Raw {
				return fmt.Errorf("column %s is compressed by LZ4, which cannot be read here: write the file with another codec", name)
			}
			if x.Type != format.Boolean {
				continue
			}
			rle := !slices.Contains(x.Encoding, format.Plain)
			for _, s := range x.EncodingStats {
				rle = rle || s.PageType != format.DictionaryPage && s.Encoding == format.RLE
			}
			if rle {
				return fmt.Errorf("column %s has booleans in pages of format 2, which cannot be read here: write the file with pages of format 1", name)
			}
		}
	}
	return nil
}

// guard makes an error of a panic, by which the reader of files answers some that are damaged.
func guard(f func() error) (err error) {
	defer func() {
		if p := recover(); p != nil {
			err = fmt.Errorf("damaged file: %v", p)
		}
	}()
	return f()
}

// columnsOf gives the columns of all files of a set, those of folders last.
func columnsOf(ctx context.Context, s Set) ([]field, error) {
	if len(s.Files) == 0 {
		return nil, fmt.Errorf("%w: %s has no files", ErrUsage, s.Name)
	}
	var fields, folders []field
	for _, f := range s.Files {
		o, err := open(ctx, f)
		if err != nil {
			return nil, err
		}
		for _, n := range o.top {
			i := slices.IndexFunc(fields, func(x field) bool { return x.name == n.name })
			if i < 0 {
				fields = append(fields, field{n.name, n.column()})
				continue
			}
			fields[i].kind = widest(fields[i].kind, n.column())
		}
		if err := o.reader.Close(); err != nil {
			return nil, err
		}
		for _, v := range f.Partition {
			if !slices.ContainsFunc(folders, func(x field) bool { return x.name == v.Key }) {
				folders = append(folders, field{v.Key, kind{class: text, name: "folder", folder: true}})
			}
		}
	}
	for _, f := range folders { // a column that stands in the files too is read from them
		if !slices.ContainsFunc(fields, func(x field) bool { return strings.EqualFold(x.name, f.name) }) {
			fields = append(fields, f)
		}
	}
	return fields, nil
}

// widest is the kind of a column that is a in one file and b in another.
func widest(a, b kind) kind {
	switch {
	case a.class == b.class && a.unit == b.unit && len(b.name) <= len(a.name):
		return a
	case a.class == b.class && a.unit <= b.unit:
		return b
	case a.class == b.class:
		return a
	case a.number() && b.number() && b.class == single && a.class == double:
		return a
	case a.number() && b.number():
		return kind{class: max(a.class, b.class), name: a.name + ", " + b.name}
	}
	return kind{class: nested, name: a.name + ", " + b.name} // no other column is like it
}

// comparison is a comparison at work.
type comparison struct {
	o       Options
	pairs   []*pair
	keys    int // how many pairs are the key
	result  *Result
	buckets *buckets
	samples []least // by column
	only    [2]least
}

// scan reads a set, and gives its rows to the buckets.
func (c *comparison) scan(ctx context.Context, s Set, side int) error {
	if c.samples == nil {
		c.samples = make([]least, len(c.pairs))
	}
	for _, f := range s.Files {
		o, err := open(ctx, f)
		if err != nil {
			return err
		}
		err = guard(func() error { return c.file(ctx, f, o, side) })
		if err := errors.Join(err, o.reader.Close()); err != nil {
			return fmt.Errorf("read %s: %w", f.Name, err)
		}
	}
	return nil
}

// file reads the rows of one file.
func (c *comparison) file(ctx context.Context, f File, o *opened, side int) error {
	nodes := make([]*node, len(c.pairs))
	fixed := make([]value, len(c.pairs)) // values of folders
	for i, p := range c.pairs {
		name := p.here
		if side == 1 {
			name = p.there
		}
		for _, n := range o.top {
			if n.name == name {
				nodes[i] = n
			}
		}
		for _, v := range f.Partition {
			if nodes[i] == nil && v.Key == name && v.Value != "" {
				fixed[i] = value{class: text, b: []byte(v.Value)}.common(p)
			}
		}
	}
	columns := 0
	for _, n := range o.top {
		columns = max(columns, n.last()+1)
	}
	rows := make([]parquet.Row, 128)
	var at cursor
	var key, body []byte
	for _, group := range o.RowGroups() {
		in := group.Rows()
		for {
			if err := ctx.Err(); err != nil {
				return errors.Join(err, in.Close())
			}
			n, err := in.ReadRows(rows)
			for _, row := range rows[:n] {
				at.set(row, columns)
				key, body = key[:0], body[:0]
				for i, p := range c.pairs {
					v := fixed[i]
					if nodes[i] != nil {
						v = nodes[i].value(&at).common(p)
					}
					if i < c.keys {
						key = v.append(key)
					} else {
						body = v.append(body)
					}
				}
				if err := c.buckets.add(xxh3.Hash(key), side, key, body); err != nil {
					return errors.Join(err, in.Close())
				}
			}
			if errors.Is(err, io.EOF) {
				break
			}
			if err != nil {
				return errors.Join(err, in.Close())
			}
		}
		if err := in.Close(); err != nil {
			return err
		}
	}
	return nil
}

// last is the last column below a field.
func (n *node) last() int {
	last := n.leaf
	for _, k := range n.kids {
		last = max(last, k.last())
	}
	return last
}
