package clean

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/schema"
)

const benchRows = 8192

// benchBatch is a batch of readings: a site and a status of which there are few, a serial that is different in each row, numbers.
func benchBatch(b *testing.B, s *schema.Schema) *batch.Batch {
	r := rand.New(rand.NewPCG(1, 2))
	var rows strings.Builder
	for i := range benchRows {
		fmt.Fprintf(&rows, `%c{"site":" Site %d ","status":"%s","serial":" SN-%08d ","name":"SN-%08d","temperature":%.2f,"humidity":%d}`,
			"[,"[min(i, 1)], r.IntN(40), []string{"ok", "warn", "n/a"}[r.IntN(3)], i, i, r.Float64()*60-10, r.IntN(100))
	}
	rows.WriteByte(']')
	x := batchOf(b, s, rows.String(), true, memory.DefaultAllocator)
	// The serials come plain, as decode has columns of many texts.
	for _, name := range []string{"serial", "name"} {
		at := s.Index(name)
		d := x.Record.Column(at).(*array.Dictionary)
		plain := array.NewStringBuilder(memory.DefaultAllocator)
		for i := range d.Len() {
			plain.Append(d.ValueStr(i))
		}
		x.SetColumn(at, plain.NewArray())
		plain.Release()
	}
	return x
}

func benchColumns(b *testing.B) []schema.Column {
	return []schema.Column{
		columnOf(b, "site", "string", "", ""), columnOf(b, "status", "string", "", ""), columnOf(b, "serial", "string", "", ""), columnOf(b, "name", "string", "", ""),
		columnOf(b, "temperature", "double", "", ""), columnOf(b, "humidity", "bigint", "", ""),
	}
}

// BenchmarkApply cleans a batch by one kind of thing at a time.
func BenchmarkApply(b *testing.B) {
	set := func(name, clean, check string) func(b *testing.B, s *schema.Schema) {
		return func(b *testing.B, s *schema.Schema) {
			c := &s.Columns[s.Index(name)]
			x := columnOf(b, name, c.Type.String(), clean, check)
			c.Clean, c.Check = x.Clean, x.Check
		}
	}
	rule := func(expr string) func(b *testing.B, s *schema.Schema) {
		return func(_ *testing.B, s *schema.Schema) { s.Rules = []schema.Rule{{Name: "r", Expr: expr}} }
	}
	for _, x := range []struct {
		name string
		make func(b *testing.B, s *schema.Schema)
	}{
		{"trim-coded", set("site", `{"trim":true}`, "")},
		{"trim-plain", set("serial", `{"trim":true}`, "")},
		{"trim-plain-clean", set("name", `{"trim":true,"nulls":["n/a"]}`, "")},
		{"case-plain-clean", set("name", `{"collapse":true,"case":"upper"}`, "")},
		{"pattern-coded", set("site", "", `{"pattern":"^ Site [0-9]+ $"}`)},
		{"pattern-plain", set("serial", "", `{"pattern":"^ SN-[0-9]+ $"}`)},
		{"bounds", set("temperature", "", `{"min":"-60","max":"80"}`)},
		{"clamp", set("humidity", `{"clamp_min":"5","clamp_max":"95"}`, "")},
		{"sha256-plain", set("serial", `{"mask":{"sha256":"env:SALT"}}`, "")},
		{"rule-compare", rule("humidity <= 100")},
		{"rule-arithmetic", rule("temperature + 0.1 * double(humidity) < 80.0 && temperature > -60.0")},
		{"rule-text", rule("status != 'warn' || site.startsWith(' Site')")},
		{"rule-compare-by-row", rule("humidity <= 100")},
		{"rule-arithmetic-by-row", rule("temperature + 0.1 * double(humidity) < 80.0 && temperature > -60.0")},
		{"rule-text-by-row", rule("status != 'warn' || site.startsWith(' Site')")},
		{"derived", func(b *testing.B, s *schema.Schema) {
			s.Columns = append([]schema.Column{derivedOf(b, "feels", "double", "temperature + 0.1 * humidity")}, s.Columns...)
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			s := schemaOf(benchColumns(b))
			x.make(b, s)
			given := benchBatch(b, s)
			p := planOf(b, s)
			for i := range p.rules {
				if strings.HasSuffix(x.name, "by-row") {
					p.rules[i].kernel = nil
				}
			}
			c := p.Cleaner(memory.DefaultAllocator)
			b.ReportAllocs()
			for b.Loop() {
				given.Record.Retain()
				one := *given
				if _, err := c.Apply(&one); err != nil {
					b.Fatal(err)
				}
				one.Release()
			}
			b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}

// BenchmarkPlainGo is what BenchmarkApply's rules cost when they are written in Go.
func BenchmarkPlainGo(b *testing.B) {
	s := schemaOf(benchColumns(b))
	given := benchBatch(b, s)
	t, h := given.Record.Column(s.Index("temperature")).(*array.Float64), given.Record.Column(s.Index("humidity")).(*array.Int64)
	status, site := given.Record.Column(s.Index("status")).(*array.Dictionary), given.Record.Column(s.Index("site")).(*array.Dictionary)
	entry := func(d *array.Dictionary, i int) string {
		return d.Dictionary().(*array.String).Value(d.GetValueIndex(i))
	}
	for _, x := range []struct {
		name string
		rule func(i int) bool
	}{
		{"rule-compare", func(i int) bool { return h.IsNull(i) || h.Value(i) <= 100 }},
		{"rule-arithmetic", func(i int) bool {
			return t.IsNull(i) || h.IsNull(i) || t.Value(i)+0.1*float64(h.Value(i)) < 80 && t.Value(i) > -60
		}},
		{"rule-text", func(i int) bool {
			return status.IsNull(i) || entry(status, i) != "warn" || site.IsNull(i) || strings.HasPrefix(entry(site, i), " Site")
		}},
	} {
		b.Run(x.name, func(b *testing.B) {
			failed := 0
			for b.Loop() {
				for i := range benchRows {
					if !x.rule(i) {
						failed++
					}
				}
			}
			b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds()/1e6, "Mrows/s")
		})
	}
}
