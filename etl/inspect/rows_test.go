package inspect

import "testing"

func TestAddObject(t *testing.T) {
	var r Rows
	for _, line := range []string{`{"a":1,"b":"x"}`, `{"b":"y","c":{"d":[]}}`} {
		if err := r.addObject([]byte(line)); err != nil {
			t.Fatal(err)
		}
	}
	if len(r.Columns) != 3 || string(r.Values[0][2]) != "null" || string(r.Values[1][0]) != "null" || string(r.Values[1][2]) != `{"d":[]}` {
		t.Errorf("%+v", r)
	}
	for _, bad := range []string{"", "[]", `{"a":`, `{"a" 1}`} {
		if err := r.addObject([]byte(bad)); err == nil {
			t.Errorf("%q taken", bad)
		}
	}
}
