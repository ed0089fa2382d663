package partition_test

import (
	"encoding/json"
	"math/rand/v2"
	"strings"
	"testing"
	"time"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/partition"
	"datalake/pkg/schema"
)

func table(zone string, by ...string) *schema.Schema {
	s := schema.Common("iot", schema.Enveloped)
	s.EventTime.Timezone = zone
	s.PartitionBy = by
	s.Columns = append(s.Columns,
		schema.Column{Name: "region", Type: schema.Type{Kind: schema.String}},
		schema.Column{Name: "n", Type: schema.Type{Kind: schema.Bigint}},
		schema.Column{Name: "ok", Type: schema.Type{Kind: schema.Boolean}},
		schema.Column{Name: "d", Type: schema.Type{Kind: schema.Date}},
		schema.Column{Name: "x", Type: schema.Type{Kind: schema.Double}})
	return s
}

func assign(t *testing.T, s *schema.Schema, rows string) (paths, rejected []string) {
	t.Helper()
	mem := memory.NewCheckedAllocator(memory.NewGoAllocator())
	defer mem.AssertSize(t, 0)
	var values []map[string]string
	if err := json.Unmarshal([]byte(rows), &values); err != nil {
		t.Fatal(err)
	}
	b := array.NewRecordBuilder(mem, s.Arrow())
	defer b.Release()
	for _, row := range values {
		for i, c := range s.Columns {
			v, ok := row[c.Name]
			if !ok {
				b.Field(i).AppendNull()
			} else if err := b.Field(i).AppendValueFromString(v); err != nil {
				t.Fatal(err)
			}
		}
	}
	rec := b.NewRecord()
	defer rec.Release()
	x := partition.NewIndex()
	p, err := partition.New(s, x)
	if err != nil {
		t.Fatal(err)
	}
	parts, err := p.Assign(rec, nil, func(row int, reason string) { rejected = append(rejected, reason) })
	if err != nil {
		t.Fatal(err)
	}
	if len(rejected) > 0 {
		return nil, rejected
	}
	for _, n := range parts {
		paths = append(paths, x.Get(n).Path)
	}
	return paths, nil
}

func TestAssign(t *testing.T) {
	long := strings.Repeat("x", 300)
	for _, c := range []struct {
		name, zone string
		by         []string
		rows       string
		want       []string
		rejected   string
	}{
		{
			"day", "",
			[]string{"source", "year", "month", "day"},
			`[{"event_time":"2025-11-25 23:59:59.999"},{"event_time":"2025-11-26 00:00:00"},{"event_time":"1969-12-31 23:59:59.999"},{"event_time":"0800-01-01 00:00:00"}]`,
			[]string{"source=iot/year=2025/month=11/day=25", "source=iot/year=2025/month=11/day=26", "source=iot/year=1969/month=12/day=31", "source=iot/year=0800/month=01/day=01"},
			"",
		},
		{
			"zone", "Asia/Kathmandu",
			[]string{"source", "year", "month", "day", "hour"},
			`[{"event_time":"2025-11-25 18:14:59"},{"event_time":"2025-11-25 18:15:00"}]`,
			[]string{"source=iot/year=2025/month=11/day=25/hour=23", "source=iot/year=2025/month=11/day=26/hour=00"},
			"",
		},
		{"source alone", "", []string{"source"}, `[{"event_time":"2025-11-25 00:00:00"}]`, []string{"source=iot"}, ""},
		{
			"columns", "",
			[]string{"source", "region", "n", "ok", "d"},
			`[{"event_time":"2025-11-25 00:00:00","region":"a b/c","n":"-5","ok":"true","d":"2025-01-02"},{"event_time":"2025-11-25 00:00:00"}]`,
			[]string{
				"source=iot/region=a b%2Fc/n=-5/ok=true/d=2025-01-02",
				"source=iot/region=__HIVE_DEFAULT_PARTITION__/n=__HIVE_DEFAULT_PARTITION__/ok=__HIVE_DEFAULT_PARTITION__/d=__HIVE_DEFAULT_PARTITION__",
			},
			"",
		},
	} {
		got, rejected := assign(t, table(c.zone, c.by...), c.rows)
		if strings.Join(got, " ") != strings.Join(c.want, " ") || len(rejected) > 0 {
			t.Errorf("%s:\n got %v %v\nwant %v", c.name, got, rejected, c.want)
		}
	}
	if _, rejected := assign(t, table("", "source", "region"), `[{"event_time":"2025-11-25 00:00:00","region":"`+long+`"}]`); len(rejected) != 1 || !strings.Contains(rejected[0], "255") {
		t.Errorf("a value that fits no path: %v", rejected)
	}
	for _, by := range []string{"x", "nope"} {
		if _, err := partition.New(table("", "source", by), partition.NewIndex()); err == nil || !strings.Contains(err.Error(), by) {
			t.Errorf("partition by %s: %v", by, err)
		}
	}
}

// The cached path of a stretch of time is that of each of its instants, in every zone.
func TestZones(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	for _, name := range []string{"", "Europe/Berlin", "America/St_Johns", "Australia/Lord_Howe", "Africa/Monrovia", "Pacific/Apia"} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		s := table(name, "source", "year", "month", "day", "hour")
		b := array.NewRecordBuilder(memory.DefaultAllocator, arrow.NewSchema(s.Arrow().Fields(), nil))
		var want []string
		for range 3000 {
			ms := r.Int64N(4_000_000_000_000) - 1_000_000_000_000
			want = append(want, time.UnixMilli(ms).In(zone).Format("source=iot/year=2006/month=01/day=02/hour=15"))
			for i, f := range b.Fields() {
				if tb, ok := f.(*array.TimestampBuilder); ok && i == 1 {
					tb.Append(arrow.Timestamp(ms))
				} else {
					f.AppendNull()
				}
			}
		}
		rec := b.NewRecord()
		x := partition.NewIndex()
		p, err := partition.New(s, x)
		if err != nil {
			t.Fatal(err)
		}
		parts, err := p.Assign(rec, nil, func(int, string) {})
		if err != nil {
			t.Fatal(err)
		}
		for i, n := range parts {
			if x.Get(n).Path != want[i] {
				t.Errorf("zone %s: got %s, want %s", name, x.Get(n).Path, want[i])
			}
		}
		rec.Release()
		b.Release()
	}
}
