package jsontext

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

func TestKeys(t *testing.T) {
	wide := func(last string) string {
		var b strings.Builder
		for i := range 40 {
			fmt.Fprintf(&b, `"k%d":%d,`, i, i)
		}
		return "{" + b.String() + last + "}"
	}
	for _, c := range []struct {
		in, out string
		dropped int64
	}{
		{`{"a":1,"b":{"a":2}}`, `{"a":1,"b":{"a":2}}`, 0},
		{` { "a" : 1 , "b" : [ 2 , 3 ] , "\u0061" : { } } `, `{"b":[2,3],"\u0061":{}}`, 1},
		{`[{"a":1},{"a":2}]`, `[{"a":1},{"a":2}]`, 0},
		{`[[{"a":1,"a":[{"b":1,"b":2}],"c":3}]]`, `[[{"a":[{"b":2}],"c":3}]]`, 2},
		{`{"a":{"x":1,"x":2},"a":null}`, `{"a":null}`, 2},
		{wide(`"k40":1`), wide(`"k40":1`), 0},
		{wide(`"k40":1,"k40":2`), wide(`"k40":2`), 1},
		{`"x"`, `"x"`, 0},
		{`{}`, `{}`, 0},
		{` [ ] `, `[]`, 0},
		{` 1.0`, `1.0`, 0},
	} {
		b := Pad([]byte(c.in))
		var k Keys
		_, repeated, err := k.Value(Limits{}, b, Space(b, 0))
		if err != nil || repeated != (c.dropped > 0) {
			t.Errorf("%s: repeated %v, %v", c.in, repeated, err)
		}
		out, dropped := AppendDistinct([]byte("x"), []byte(c.in))
		if string(out) != "x"+c.out || dropped != c.dropped {
			t.Errorf("%s: %s, dropped %d", c.in, out, dropped)
		}
	}
}

func FuzzKeys(f *testing.F) {
	seeds(f)
	f.Add([]byte(`{"a":{"b":1,"b":[{"c":1,"c":1}]},"a":2}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		b := Pad(text)
		p := Space(b, 0)
		var k Keys
		end, err := Limits{}.Value(b, p)
		end2, repeated, err2 := k.Value(Limits{}, b, p)
		if end != end2 || fmt.Sprint(err) != fmt.Sprint(err2) || len(k.hashes)+len(k.open) != 0 {
			t.Fatalf("%q: %d, %v; Value says %d, %v", text, end2, err2, end, err)
		}
		if err != nil {
			return
		}
		out, dropped := AppendDistinct(nil, b[p:end])
		if repeated != (dropped > 0) {
			t.Fatalf("%q: repeated %v, dropped %d", text, repeated, dropped)
		}
		var v, w any
		if json.Unmarshal(b[p:end], &v) == nil && (json.Unmarshal(out, &w) != nil || fmt.Sprint(v) != fmt.Sprint(w)) {
			t.Fatalf("%q: distinct %q", text, out)
		}
	})
}
