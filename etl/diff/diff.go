package diff

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"datalake/pkg/layout"
	"datalake/pkg/spill"
	"datalake/pkg/storage"
)

// ErrUsage: the two cannot be compared as asked: a key that is no column, a file that is no Parquet. Nothing was compared.
var ErrUsage = errors.New("cannot compare")

// Set is one of the two sets of files.
type Set struct {
	// Name is what people call it.
	Name  string
	Files []File
}

// File is one Parquet file of a Set.
type File struct {
	// Name is what people are told where something is wrong with it.
	Name string
	// Partition has the values that the names of its folders say.
	Partition []layout.Value
	// Open opens it; the reader is closed when the file was read.
	Open func(ctx context.Context) (*storage.Reader, error)
}

// Options of a comparison. Key is needed.
type Options struct {
	// Key names the columns by which rows are matched.
	Key []string
	// Ignore names columns that are left out, of either side.
	Ignore []string
	// Own names columns of the first set that the second need not have.
	Own []string
	// Tolerance is the share by which numbers may differ of which one is a float, double or decimal; 0: not at all.
	Tolerance float64
	// Samples is how many differences of each kind are kept; 0: 5.
	Samples int
	// Memory is what rows may take that wait, in bytes; 0: 256 MiB. TempDir holds what is more; empty: the system's.
	Memory  int64
	TempDir string
}

func (o Options) withDefaults() Options {
	if o.Samples <= 0 {
		o.Samples = 5
	}
	if o.Memory <= 0 {
		o.Memory = 256 << 20
	}
	return o
}

// Result says how two sets of rows compare.
type Result struct {
	Here  string `json:"here"`
	There string `json:"there"`
	// Same: the same rows in the same columns.
	Same bool     `json:"same"`
	Key  []string `json:"key"`
	// RowsHere = Equal + Different + OnlyHere; RowsThere likewise.
	RowsHere  int64 `json:"rows_here"`
	RowsThere int64 `json:"rows_there"`
	Equal     int64 `json:"rows_equal"`
	Different int64 `json:"rows_different"`
	OnlyHere  int64 `json:"rows_only_here"`
	OnlyThere int64 `json:"rows_only_there"`
	// RepeatedHere are rows beyond the first of their key; they are matched with those of the other side one by one.
	RepeatedHere  int64 `json:"rows_repeated_here"`
	RepeatedThere int64 `json:"rows_repeated_there"`
	// Columns that both have, in the order of the first set, the key's too.
	Columns []Column `json:"columns"`
	// ColumnsHere and ColumnsThere are those that only one side has, Own and Ignored ones aside.
	ColumnsHere  []string `json:"columns_only_here"`
	ColumnsThere []string `json:"columns_only_there"`
	// Own and Ignored columns that were left out.
	Own     []string `json:"columns_own,omitempty"`
	Ignored []string `json:"columns_ignored,omitempty"`
	// KeysHere and KeysThere are samples of keys that only one side has rows of.
	KeysHere  [][]string `json:"keys_only_here"`
	KeysThere [][]string `json:"keys_only_there"`
	// Spilled is how many bytes went to the temporary file.
	Spilled int64 `json:"spilled_bytes"`
}

// Column is a column that both sets have.
type Column struct {
	Name string `json:"column"`
	// Here and There are its types.
	Here  string `json:"type_here"`
	There string `json:"type_there"`
	// Comparable is false where no value of the one type is one of the other.
	Comparable bool `json:"comparable"`
	// Different is how many matched rows differ in it, with samples.
	Different int64     `json:"different"`
	Samples   []Differs `json:"samples,omitempty"`
}

// Differs is a pair of values that differ.
type Differs struct {
	Key   []string `json:"key"`
	Here  string   `json:"here"`
	There string   `json:"there"`
}

// pair is a column that both sets have.
type pair struct {
	name        string // in the first set
	here, there string // as the sets spell it
	kinds       [2]kind
	comparable  bool
	// What values become before they are compared: unit of times, 0 where there are none; class of numbers, null: as they are;
	// folderNumber: texts of folders' names become whole numbers.
	unit         int64
	number       class
	folderNumber bool
}

// Compare compares two sets. Errors: ErrUsage, the stores', those of the temporary file.
func Compare(ctx context.Context, here, there Set, o Options) (*Result, error) {
	o = o.withDefaults()
	r := &Result{Here: here.Name, There: there.Name, Key: o.Key, ColumnsHere: []string{}, ColumnsThere: []string{}, KeysHere: [][]string{}, KeysThere: [][]string{}}
	a, err := columnsOf(ctx, here)
	if err != nil {
		return nil, err
	}
	b, err := columnsOf(ctx, there)
	if err != nil {
		return nil, err
	}
	pairs, err := match(a, b, o, r)
	if err != nil {
		return nil, err
	}
	file := spill.NewFile(o.TempDir)
	c := &comparison{o: o, pairs: pairs, keys: len(o.Key), result: r, buckets: newBuckets(file, o.Memory)}
	err = c.scan(ctx, here, 0)
	if err == nil {
		err = c.scan(ctx, there, 1)
	}
	if err == nil {
		err = c.buckets.each(ctx, c.bucket)
	}
	r.Spilled = file.Size()
	if err := errors.Join(err, file.Close()); err != nil {
		return nil, err
	}
	c.finish()
	return r, nil
}

// match finds the columns that both sets have, the key's first.
func match(a, b []field, o Options, r *Result) ([]*pair, error) {
	find := func(fs []field, name string) int {
		if i := slices.IndexFunc(fs, func(f field) bool { return f.name == name }); i >= 0 {
			return i
		}
		return slices.IndexFunc(fs, func(f field) bool { return strings.EqualFold(f.name, name) })
	}
	among := func(names []string, name string) bool {
		return slices.ContainsFunc(names, func(n string) bool { return strings.EqualFold(n, name) })
	}
	if len(o.Key) == 0 {
		return nil, fmt.Errorf("%w: no key", ErrUsage)
	}
	for _, name := range o.Ignore {
		if find(a, name) < 0 && find(b, name) < 0 {
			return nil, fmt.Errorf("%w: neither side has a column %s to ignore", ErrUsage, name)
		}
		if among(o.Key, name) {
			return nil, fmt.Errorf("%w: column %s is of the key, it cannot be ignored", ErrUsage, name)
		}
	}
	var pairs []*pair
	add := func(i, j int) *pair {
		p := newPair(a[i], b[j])
		pairs = append(pairs, p)
		return p
	}
	for n, name := range o.Key {
		if among(o.Key[:n], name) {
			return nil, fmt.Errorf("%w: key column %s is named twice", ErrUsage, name)
		}
		i, j := find(a, name), find(b, name)
		for side, at := range []int{i, j} {
			if at < 0 {
				set, fields := r.Here, a
				if side == 1 {
					set, fields = r.There, b
				}
				return nil, fmt.Errorf("%w: %s has no column %s for the key; it has %s", ErrUsage, set, name, names(fields))
			}
		}
		if p := add(i, j); !p.comparable {
			return nil, fmt.Errorf("%w: key column %s is %s in %s and %s in %s", ErrUsage, name, p.kinds[0].name, r.Here, p.kinds[1].name, r.There)
		}
	}
	for i, f := range a {
		j := find(b, f.name)
		switch {
		case among(o.Key, f.name):
		case among(o.Ignore, f.name):
			r.Ignored = append(r.Ignored, f.name)
		case j >= 0:
			add(i, j)
		case among(o.Own, f.name):
			r.Own = append(r.Own, f.name)
		default:
			r.ColumnsHere = append(r.ColumnsHere, f.name)
		}
	}
	for _, f := range b {
		switch {
		case find(a, f.name) >= 0:
		case among(o.Ignore, f.name):
			r.Ignored = append(r.Ignored, f.name)
		default:
			r.ColumnsThere = append(r.ColumnsThere, f.name)
		}
	}
	for _, p := range pairs {
		r.Columns = append(r.Columns, Column{Name: p.name, Here: p.kinds[0].name, There: p.kinds[1].name, Comparable: p.comparable})
	}
	return pairs, nil
}

func names(fs []field) string {
	var out []string
	for _, f := range fs {
		out = append(out, f.name)
	}
	if out == nil {
		return "none"
	}
	return strings.Join(out, ", ")
}

// newPair settles how the values of two columns are compared.
func newPair(a, b field) *pair {
	p := &pair{name: a.name, here: a.name, there: b.name, kinds: [2]kind{a.kind, b.kind}, comparable: comparable(a.kind, b.kind)}
	for _, k := range p.kinds {
		if k.class == instant {
			p.unit = max(p.unit, k.unit)
		}
	}
	is := func(c class) bool { return a.kind.class == c || b.kind.class == c }
	switch {
	case !a.kind.number() || !b.kind.number():
	case is(single):
		p.number = single
	case is(double):
		p.number = double
	case is(decimal):
		p.number = decimal
	}
	p.folderNumber = a.kind.folder != b.kind.folder && is(whole)
	return p
}

// finish brings the result in order.
func (c *comparison) finish() {
	r := c.result
	r.Same = r.Different == 0 && r.OnlyHere == 0 && r.OnlyThere == 0 && len(r.ColumnsHere) == 0 && len(r.ColumnsThere) == 0
	for i := range r.Columns {
		r.Same = r.Same && r.Columns[i].Comparable
		r.Columns[i].Samples = c.samples[i].list()
	}
	for _, d := range c.only[0].list() {
		r.KeysHere = append(r.KeysHere, d.Key)
	}
	for _, d := range c.only[1].list() {
		r.KeysThere = append(r.KeysThere, d.Key)
	}
}

// least keeps the samples of the least keys.
type least struct {
	keys [][]byte // in order
	all  []Differs
}

// add keeps a sample if its key is among the n least; make gives it then.
func (l *least) add(n int, key []byte, make func() Differs) {
	i, _ := slices.BinarySearchFunc(l.keys, key, func(a, b []byte) int { return cmp.Or(slices.Compare(a, b), -1) })
	if i >= n {
		return
	}
	l.keys, l.all = slices.Insert(l.keys, i, slices.Clone(key)), slices.Insert(l.all, i, make())
	if len(l.keys) > n {
		l.keys, l.all = l.keys[:n], l.all[:n]
	}
}

func (l *least) list() []Differs { return l.all }
