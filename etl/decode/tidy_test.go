package decode

import (
	"strings"
	"testing"

	"datalake/pkg/schema"
)

// Text that does not fit a column is cleaned as the column wants before it is given up; what fits is left to etl/clean.
func TestTidied(t *testing.T) {
	trim := &schema.Clean{Trim: true}
	tokens := &schema.Clean{Trim: true, Case: schema.Lower, Nulls: []string{"n/a", ""}}
	for _, c := range []struct {
		typ           string
		clean         *schema.Clean
		value         string
		want, rescued string
	}{
		{"bigint", trim, `" 5"`, "5", ""},
		{"bigint", trim, `"\u00a05\t"`, "5", ""},
		{"bigint", trim, `" 5 5 "`, "(null)", `" 5 5 "`},
		{"bigint", nil, `" 5"`, "(null)", `" 5"`},
		{"double", tokens, `" N/A "`, "(null)", ""},
		{"double", tokens, `""`, "(null)", ""},
		{"double", tokens, `"none"`, "(null)", `"none"`},
		{"double", tokens, `" 0.10000000000000000001 "`, "0.1", `" 0.10000000000000000001 "`},
		{"double", tokens, `{}`, "(null)", ""},
		{"double", tokens, `[]`, "(null)", `[]`},
		{"boolean", tokens, `" TRUE "`, "true", ""},
		{"decimal(5,2)", trim, `" 1.5 "`, "1.5", ""},
		{"date", trim, `" 2025-02-28"`, "2025-02-28", ""},
		{"timestamp", trim, `" 2025-11-25T10:00:00Z "`, "2025-11-25 10:00:00Z", ""},
		{"binary", trim, `" aGk= "`, "aGk=", ""},
		{"list<bigint>", tokens, `[1, " 2", "n/a", "3"]`, "[1,2,null,3]", ""},
		{"list<bigint>", tokens, `[1, "x"]`, "(null)", `[1,"x"]`},
		{"list<list<date>>", tokens, `[[" 2025-02-28 "],["N/A"]]`, `[["2025-02-28"],[null]]`, ""},
		{"map<string,double>", tokens, `{"a":" 1 ","b":"N/A"}`, `[{"key":"a","value":1},{"key":"b","value":null}]`, ""},
		{"string", tokens, `" A "`, " A ", ""},
	} {
		s := with(t, "data.x "+c.typ, "data.y bigint")
		s.Columns[s.Index("data_x")].Clean = c.clean
		rows, rejects := decodeRows(t, Options{}, s, unit(`{"record_id":"r","source":"src","data":{"x":`+c.value+`,"y":1}}`), "data_x", "data_y", "_rescued")
		want := c.want + " | 1 | (null)"
		if c.rescued != "" {
			want = c.want + ` | 1 | {"data.x":` + c.rescued + "}"
		}
		if len(rejects) > 0 || len(rows) != 1 || rows[0] != want {
			t.Errorf("%s as %s:\n got %q %q\nwant %q", c.value, c.typ, rows, rejects, want)
		}
	}
}

// A required column whose text means null is missing, unless it has a default, which etl/clean gives.
func TestTidiedRequired(t *testing.T) {
	s := with(t, "data.x bigint!")
	c := &s.Columns[s.Index("data_x")]
	c.Clean = &schema.Clean{Nulls: []string{"-"}}
	u := unit(`{"record_id":"r","source":"src","data":{"x":"-"}}`)
	if rows, rejects := decodeRows(t, Options{}, s, u, "data_x"); len(rows) > 0 || len(rejects) != 1 || !strings.HasPrefix(rejects[0], "required@0 line 1: no data.x") {
		t.Errorf("rows %q, rejects %q", rows, rejects)
	}
	c.Clean = &schema.Clean{Nulls: []string{"-"}, Default: "7"}
	if rows, rejects := decodeRows(t, Options{}, s, u, "data_x"); len(rows) != 1 || rows[0] != "(null)" || len(rejects) > 0 {
		t.Errorf("with a default: rows %q, rejects %q", rows, rejects)
	}
}

// Nanoseconds are read of the same text as their timestamp.
func TestTidiedNanoseconds(t *testing.T) {
	s := with(t, "data.t timestamp")
	c := &s.Columns[s.Index("data_t")]
	c.Clean = &schema.Clean{Trim: true}
	s, err := s.Extend([]schema.Column{{Name: "t_ns", Type: schema.Type{Kind: schema.Bigint}, Role: schema.NS, Path: c.Path}})
	if err != nil {
		t.Fatal(err)
	}
	rows, _ := decodeRows(t, Options{}, s, unit(`{"record_id":"r","source":"src","data":{"t":" 2025-01-01T00:00:00.000000001Z"}}`), "data_t", "t_ns", "_rescued")
	if want := "2025-01-01 00:00:00Z | 1735689600000000001 | (null)"; len(rows) != 1 || rows[0] != want {
		t.Errorf("got %q, want %q", rows, want)
	}
}

// The reason of a reject does not tell what a masked value is.
func TestMaskedMisfit(t *testing.T) {
	s := with(t, "data.x string")
	s.OnTypeConflict = schema.Quarantine
	s.Columns[s.Index("data_x")].Clean = &schema.Clean{Mask: &schema.Mask{Drop: true}}
	_, rejects := decodeRows(t, Options{}, s, unit(`{"record_id":"r","source":"src","data":{"x":["secret"]}}`), "data_x")
	if len(rejects) != 1 || !strings.HasPrefix(rejects[0], "type@0 line 1: data.x is no string: {") {
		t.Errorf("rejects %q", rejects)
	}
}
