package partition

import (
	"fmt"
	"slices"
	"strconv"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/zeebo/xxh3"

	"datalake/pkg/layout"
	"datalake/pkg/schema"
)

// Partition is one partition of a source's table.
type Partition struct {
	Source string
	Path   string // as in layout.Path
	Hash   uint64 // of Path, the same in every run
}

// Index numbers partitions. Safe for concurrent use.
type Index struct {
	mu     sync.RWMutex
	list   []Partition
	byPath map[string]uint32
}

// NewIndex gives an empty index.
func NewIndex() *Index { return &Index{byPath: map[string]uint32{}} }

// Get is the partition of a number.
func (x *Index) Get(n uint32) Partition {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return x.list[n]
}

// Len is how many partitions there are: their numbers are below.
func (x *Index) Len() int {
	x.mu.RLock()
	defer x.mu.RUnlock()
	return len(x.list)
}

// Number gives the number of a path, a new one where it is new.
func (x *Index) Number(source, path string) uint32 {
	x.mu.Lock()
	defer x.mu.Unlock()
	n, ok := x.byPath[path]
	if !ok {
		n = uint32(len(x.list))
		x.byPath[path] = n
		x.list = append(x.list, Partition{source, path, xxh3.HashString(path)})
	}
	return n
}

// The names in a schema's PartitionBy that are not columns of its own.
const (
	bySource = "source"
	byYear   = "year"
	byMonth  = "month"
	byDay    = "day"
	byHour   = "hour"
)

// Columns are the columns of a schema that its partition paths hold, and its files therefore do not.
func Columns(s *schema.Schema) []string {
	var names []string
	for _, name := range s.PartitionBy {
		if !slices.Contains([]string{bySource, byYear, byMonth, byDay, byHour}, name) {
			names = append(names, name)
		}
	}
	return names
}

// Partitioner assigns the rows of one source. Not safe for concurrent use.
type Partitioner struct {
	schema *schema.Schema
	index  *Index
	zone   *time.Location
	byTime bool // by source and parts of the event time alone

	// byQuarter and byPath map a stretch of time, and the values of a path, to a partition's number.
	byQuarter map[int64]uint32
	byPath    map[string]uint32
	path      []byte
	last      struct {
		quarter int64
		number  uint32
		ok      bool
	}
}

// New makes a partitioner that numbers partitions in index. It fails where the schema's partition columns cannot be
// partitioned by.
func New(s *schema.Schema, index *Index) (*Partitioner, error) {
	zone, err := time.LoadLocation(s.EventTime.Timezone)
	if err != nil {
		return nil, fmt.Errorf("partition %s: %w", s.Source, err)
	}
	columns := Columns(s)
	for _, name := range columns {
		i := s.Index(name)
		if i < 0 {
			return nil, fmt.Errorf("partition %s by %s: the table has no such column", s.Source, name)
		}
		switch k := s.Columns[i].Type.Kind; k {
		case schema.String, schema.Boolean, schema.Int, schema.Bigint, schema.Date:
		default:
			return nil, fmt.Errorf("partition %s by %s: a %s cannot be partitioned by; string, boolean, int, bigint and date can", s.Source, name, k)
		}
	}
	return &Partitioner{
		schema: s, index: index, zone: zone, byTime: len(columns) == 0,
		byQuarter: map[int64]uint32{}, byPath: map[string]uint32{},
	}, nil
}

// quarter is a stretch of time, in milliseconds, that never has two local hours in it: since 1972 all zones are offset by
// multiples of 15 minutes.
const (
	quarter  = 15 * 60 * 1000
	quarters = 2 * 365 * 24 * 4 // the first quarter of 1972
)

// Assign appends the partition number of each row to dst. A row with a value that no path can hold is told to reject, and
// gets any number.
func (p *Partitioner) Assign(rec arrow.Record, dst []uint32, reject func(row int, reason string)) ([]uint32, error) {
	at := p.schema.ByRole(schema.EventTime)
	times, ok := rec.Column(at).(*array.Timestamp)
	if !ok {
		return nil, fmt.Errorf("partition %s: event_time is %s", p.schema.Source, rec.Column(at).DataType())
	}
	var values []func(row int) (string, bool)
	if !p.byTime {
		for _, name := range Columns(p.schema) {
			values = append(values, textOf(rec.Column(p.schema.Index(name))))
		}
	}
	for row := range int(rec.NumRows()) {
		ms := int64(times.Value(row))
		q := floorDiv(ms, quarter)
		if !p.byTime || q < quarters {
			n, err := p.build(ms, row, values)
			if err != nil {
				reject(row, err.Error())
			}
			dst = append(dst, n)
			continue
		}
		if !p.last.ok || p.last.quarter != q {
			n, known := p.byQuarter[q]
			if !known {
				var err error
				if n, err = p.build(q*quarter, row, nil); err != nil {
					return nil, err
				}
				p.byQuarter[q] = n
			}
			p.last.quarter, p.last.number, p.last.ok = q, n, true
		}
		dst = append(dst, p.last.number)
	}
	return dst, nil
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

// build makes the path of one row and looks it up.
func (p *Partitioner) build(ms int64, row int, columns []func(row int) (string, bool)) (uint32, error) {
	t := time.UnixMilli(ms).In(p.zone)
	p.path = p.path[:0]
	values := make([]layout.Value, 0, 8)
	for _, name := range p.schema.PartitionBy {
		v := layout.Value{Key: name}
		switch name {
		case bySource:
			v.Value = p.schema.Source
		case byYear:
			v.Value = fmt.Sprintf("%04d", t.Year())
		case byMonth:
			v.Value = fmt.Sprintf("%02d", int(t.Month()))
		case byDay:
			v.Value = fmt.Sprintf("%02d", t.Day())
		case byHour:
			v.Value = fmt.Sprintf("%02d", t.Hour())
		default:
			v.Value, _ = columns[0](row)
			columns = columns[1:]
		}
		values = append(values, v)
		p.path = append(append(append(p.path, v.Key...), 0), v.Value...)
		p.path = append(p.path, 0)
	}
	if n, ok := p.byPath[string(p.path)]; ok {
		return n, nil
	}
	path, err := layout.Path(values...)
	if err != nil {
		return 0, fmt.Errorf("partition a row of %s: %w", p.schema.Source, err)
	}
	n := p.index.Number(p.schema.Source, path)
	p.byPath[string(p.path)] = n
	return n, nil
}

// textOf gives a column's values as a path writes them; null is false.
func textOf(col arrow.Array) func(row int) (string, bool) {
	value := func(row int) string { return "" }
	switch c := col.(type) {
	case *array.String:
		value = c.Value
	case *array.Dictionary:
		inner := textOf(c.Dictionary())
		value = func(row int) string { s, _ := inner(c.GetValueIndex(row)); return s }
	case *array.Boolean:
		value = func(row int) string { return strconv.FormatBool(c.Value(row)) }
	case *array.Int32:
		value = func(row int) string { return strconv.FormatInt(int64(c.Value(row)), 10) }
	case *array.Int64:
		value = func(row int) string { return strconv.FormatInt(c.Value(row), 10) }
	case *array.Date32:
		value = func(row int) string { return c.Value(row).ToTime().Format(time.DateOnly) }
	}
	return func(row int) (string, bool) {
		if col.IsNull(row) {
			return "", false
		}
		return value(row), true
	}
}
