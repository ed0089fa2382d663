package decode

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// Sources, places that cannot be read and chunks of several objects in one unit, as one text.
func TestUnit(t *testing.T) {
	b := &batch.Object{Index: 1, Key: "raw/b/b.json", Source: "b", Arrived: object.Arrived}
	u := unit("\ufeff{\"source\":\"B!\",\"data\":{\"v\":1}} {\"x\":5}\n7 {\"data\":{\"v\":2},\"source\":\"src\"}\n{\"source\":\"c\",\"data\":{}}")
	u.Chunks = append(u.Chunks, batch.Chunk{Object: b, Offset: 50, Line: 3, Data: jsontext.Pad([]byte("\n {\"v\":3,\"data\":\"x\"}\r\n[]\n")), Lines: true})
	u.Broken = []batch.Reject{
		{Origin: batch.Origin{Object: object, Offset: 90}, Rule: "size", Source: "src"},
		{Origin: batch.Origin{Object: b, Offset: 10}, Rule: "broken"},
	}
	common := func(source string) *schema.Schema { return schema.Common(source, schema.Enveloped) }
	d, err := New(Options{}, tables{"src": common("src"), "b": common("b"), "b_": common("b_")}, nil)
	if err != nil {
		t.Fatal(err)
	}
	for range 2 { // a decoder keeps nothing of a unit
		out, err := d.Decode(u)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, b := range out.Batches {
			got = append(got, b.Source)
			for i, o := range b.Origins {
				got = append(got, fmt.Sprintf("  %s %d %s", o.Object.Key, o.Offset, b.Raw[i]))
			}
		}
		for _, r := range out.Rejects {
			got = append(got, fmt.Sprintf("%s %d line %d %s %s %q", r.Object.Key, r.Offset, r.Line, r.Source, r.Rule, r.Payload))
		}
		got = append(got, fmt.Sprint(out.Lines))
		for _, source := range []string{"src", "b", "b_", "c"} {
			c := out.Counts[source]
			got = append(got, fmt.Sprintf("%s: %d records, %d differ, %d rescued, %d unknown", source, c.Records, c.SourceDiffers, c.Rescued, c.Unknown))
		}
		out.Release()
		want := `b
  raw/b/b.json 52 {"v":3,"data":"x"}
b_
  raw/src/a.json 3 {"source":"B!","data":{"v":1}}
src
  raw/src/a.json 34 {"x":5}
  raw/src/a.json 44 {"data":{"v":2},"source":"src"}
raw/src/a.json 42 line 2 src object "7"
raw/src/a.json 90 line 0 src size ""
raw/b/b.json 10 line 0 b broken ""
raw/b/b.json 72 line 5 b object "[]"
[2 3]
src: 4 records, 0 differ, 2 rescued, 2 unknown
b: 3 records, 0 differ, 1 rescued, 2 unknown
b_: 1 records, 1 differ, 1 rescued, 1 unknown
c: 1 records, 1 differ, 0 rescued, 0 unknown`
		if diff := cmp.Diff(want, strings.Join(got, "\n")); diff != "" {
			t.Error(diff)
		}
	}
}

func TestReplaceInvalid(t *testing.T) {
	s := with(t, "data.s string", "data.j json")
	text := "{\"record_id\":\"a\xff\",\"source\":\"src\",\"data\":{\"s\":\"x\\ud800y\",\"j\":[\"\xfe\"],\"u\\udc00\":\"\\udc00\"}}"
	rows, rejects := decodeRows(t, Options{Limits: jsontext.Limits{ReplaceInvalid: true}}, s, unit(text), "record_id", "data_s", "data_j", "_rescued")
	want := "a\ufffd | x\ufffdy | [\"\ufffd\"] | {\"data.u\ufffd\":\"\\ufffd\"}"
	if len(rejects) > 0 || len(rows) != 1 || rows[0] != want {
		t.Errorf("rows %q, rejects %q", rows, rejects)
	}
}

// A record that is cut off is said to end, whatever stands behind it in the chunk.
func TestReasons(t *testing.T) {
	_, rejects := decodeRows(t, Options{}, with(t), unit("{\"a\":\n{\"a\":\"b\n{\"a\":01}\n"), "record_id")
	want := []string{
		`json@0 line 1: text ends where a value should stand: {"a":`,
		`json@6 line 2: text ends inside a string: {"a":"b`,
		`json@14 line 3: number with a leading zero: {"a":01}`,
	}
	if diff := cmp.Diff(want, rejects); diff != "" {
		t.Error(diff)
	}
}

func TestSchemaErrors(t *testing.T) {
	column := func(c schema.Column) *schema.Schema {
		s := schema.Common("src", schema.Enveloped)
		s.Columns = append(s.Columns, c)
		return s
	}
	path, zone := schema.Path{"data", "x"}, schema.Common("src", schema.Enveloped)
	zone.EventTime.Timezone = "Mars/Base"
	for want, s := range map[string]*schema.Schema{
		"no type":                 column(schema.Column{Name: "x", Path: path}),
		"list without an element": column(schema.Column{Name: "x", Path: path, Type: schema.Type{Kind: schema.List}}),
		"no type decimal(40,2)":   column(schema.Column{Name: "x", Path: path, Type: schema.Type{Kind: schema.Decimal, Precision: 40, Scale: 2}}),
		"unknown role":            column(schema.Column{Name: "x", Path: path, Role: "other", Type: schema.Type{Kind: schema.String}}),
		"ns must be bigint":       column(schema.Column{Name: "x", Path: path, Role: schema.NS, Type: schema.Type{Kind: schema.String}}),
		"time zone \"Mars/Base\"": zone,
		"unknown time format":     column(schema.Column{Name: "x", Path: path, Type: schema.Type{Kind: schema.Timestamp}, Formats: []string{"someday"}}),
	} {
		d, err := New(Options{}, tables{"src": s}, nil)
		if err == nil {
			_, err = d.Decode(unit(`{"data":{"x":1},"source":"src"}`))
		}
		if !errors.Is(err, ErrSchema) || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %s", err, want)
		}
	}
}
