package main

import (
	"bytes"
	"encoding/json"
	"testing"

	"github.com/google/go-cmp/cmp"

	"datalake/etl/inspect"
)

func someRows() *inspect.Rows {
	r := &inspect.Rows{Table: "t", Columns: []inspect.Column{
		{Name: "record_id", Type: "string"},
		{Name: "event_time", Type: "timestamp"},
		{Name: "ingested_at", Type: "timestamp"},
		{Name: "city", Type: "string"},
		{Name: "empty", Type: "double"},
		{Name: "n", Type: "decimal(9,2)"},
		{Name: "tags", Type: "list<string>"},
		{Name: "quality_score", Type: "double"},
		{Name: "_rescued", Type: "string"},
	}}
	for _, row := range []string{
		`["0123456789abcdef","2025-11-24T10:00:00.000Z","2025-11-24T10:00:01.250Z","東京",null,1.50,["a"],1,null]`,
		`["b","2025-11-24T10:00:00.001Z","2025-11-24T10:00:01.250Z",null,null,-12.05,[],0.5,null]`,
	} {
		var values []json.RawMessage
		if err := json.Unmarshal([]byte(row), &values); err != nil {
			panic(err)
		}
		r.Values = append(r.Values, values)
	}
	return r
}

func TestPrintRows(t *testing.T) {
	for _, c := range []struct {
		width int
		want  string
	}{
		{0, `
record_id         event_time               city       n  tags   ingested_at              quality_score  empty  _rescued
0123456789abcdef  2025-11-24 10:00:00      東京    1.50  ["a"]  2025-11-24 10:00:01.250              1
b                 2025-11-24 10:00:00.001        -12.05  []     2025-11-24 10:00:01.250            0.5
`},
		{70, `
record_id      event_time               city       n  tags
0123456789ab…  2025-11-24 10:00:00      東京    1.50  ["a"]
b              2025-11-24 10:00:00.001        -12.05  []
… and 4 more columns: ingested_at, quality_score, empty, _rescued
`},
		{80, `
record_id      event_time               city       n  tags   ingested_at
0123456789ab…  2025-11-24 10:00:00      東京    1.50  ["a"]  2025-11-24 10:00:0…
b              2025-11-24 10:00:00.001        -12.05  []     2025-11-24 10:00:0…
… and 3 more columns: quality_score, empty, _rescued
`},
		{10, `
record_id
0123456789ab…
b
… and 8 m…
`},
	} {
		var b bytes.Buffer
		if err := printRows(&b, someRows(), c.width); err != nil {
			t.Fatal(err)
		}
		if d := cmp.Diff(c.want, "\n"+b.String()); d != "" {
			t.Errorf("width %d: %s", c.width, d)
		}
	}
}

func TestRowObjects(t *testing.T) {
	r := someRows()
	o := rowObjects(r)
	want := `{"record_id":"b","event_time":"2025-11-24T10:00:00.001Z","ingested_at":"2025-11-24T10:00:01.250Z","city":null,"empty":null,"n":-12.05,"tags":[],"quality_score":0.5,"_rescued":null}`
	if len(o) != 2 || string(o[1]) != want {
		t.Errorf("%s, want %s", o, want)
	}
}
