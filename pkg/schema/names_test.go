package schema

import (
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

func paths(t testing.TB, texts ...string) []Path {
	t.Helper()
	var out []Path
	for _, s := range texts {
		p, err := ParsePath(s)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, p)
	}
	return out
}

func TestNames(t *testing.T) {
	for _, c := range []struct {
		name  string
		bare  bool
		taken string
		in    string   // paths, by spaces
		want  []string // name, or name with # for each hex digit of a suffix
	}{
		{"data is left out", false, "", "data.a.b metadata.x version data", []string{"a_b", "metadata_x", "version", "data"}},
		{"data stays in a bare record", true, "", "data.a.b metadata.x", []string{"data_a_b", "metadata_x"}},
		{"cleaning", false, "", `data.Temp data.wärme data."a-b.c" data.2nd data.""`, []string{"temp", "w_rme", "a_b_c", "_2nd", "_"}},
		{"one clean letter a character", true, "", "naïve日本 K", []string{"na_ve__", "k"}},
		{"reserved", false, "", "data.source data.Year data._rescued data.hour data._key", []string{"source_######", "year_######", "_rescued_######", "hour", "_key_######"}},
		{"taken", false, "a hour", "data.a data.A data.hour data.b", []string{"a_######", "a_######", "hour_######", "b"}},
		{"case: the clean one keeps the name", true, "", "A a", []string{"a_######", "a"}},
		{"case: the smaller of two unclean ones", true, "", "aB Ab", []string{"ab_######", "ab"}},
		{"flattening: the key that is spelled so", false, "", "data.a.b data.a_b", []string{"a_b_######", "a_b"}},
		{"flattening: the smaller text", false, "", "data.a.b_c data.a_b.c", []string{"a_b_c", "a_b_c_######"}},
		{"data and root", false, "", "version data.version", []string{"version_######", "version"}},
		{"a dotted key", true, "", `"a.b" a.b a_b`, []string{"a_b_######", "a_b_######", "a_b"}},
		{"three of a kind", true, "", "x-y x.y x+y", []string{"x_y_######", "x_y_######", "x_y"}},
	} {
		t.Run(c.name, func(t *testing.T) {
			taken := map[string]bool{}
			for _, n := range strings.Fields(c.taken) {
				taken[n] = true
			}
			in := paths(t, strings.Fields(c.in)...)
			got := Names(in, !c.bare, taken)
			for i, n := range got {
				if cmp.Diff(n.Path, in[i]) != "" {
					t.Errorf("result %d is for %s, want %s", i, n.Path, in[i])
				}
				pattern := c.want[i]
				ok := len(n.Name) == len(pattern)
				for k := 0; ok && k < len(pattern); k++ {
					ok = pattern[k] == n.Name[k] || pattern[k] == '#' && strings.IndexByte("0123456789abcdef", n.Name[k]) >= 0
				}
				if !ok {
					t.Errorf("%s is %q, want %q", n.Path, n.Name, pattern)
				}
				if n.Changed != strings.Contains(pattern, "#") || n.Changed != (n.Why != "") || n.Changed && (!strings.Contains(n.Why, n.Path.String()) || !strings.Contains(n.Why, n.Name)) {
					t.Errorf("%s: changed %v, why %q", n.Path, n.Changed, n.Why)
				}
			}
		})
	}
}

// TestNamesPinned: names are in tables that live for years, so the rule's outcome must never change.
func TestNamesPinned(t *testing.T) {
	got := Names(paths(t, "data.source", "data.A", "data.a"), true, nil)
	want := []Name{
		{Path{"data", "source"}, "source_77ac28", true, "data.source is column source_77ac28: the name source is reserved"},
		{Path{"data", "A"}, "a_621637", true, "data.A is column a_621637: the name a is that of data.a"},
		{Path{"data", "a"}, "a", false, ""},
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	got = Names(paths(t, "data.a"), true, map[string]bool{"a": true})
	if want := "data.a is column a_996fc5: the name a is taken by another column"; got[0].Why != want {
		t.Errorf("why %q, want %q", got[0].Why, want)
	}
}

func TestNamesLong(t *testing.T) {
	long := strings.Repeat("k", 300)
	got := Names([]Path{{long, "a"}, {long, "b"}, {strings.Repeat("x", 255)}}, false, nil)
	if a, b := got[0].Name, got[1].Name; len(a) != 255 || len(b) != 255 || a == b || !got[0].Changed || !strings.Contains(got[0].Why, "longer than 255") {
		t.Errorf("long names %q %q: %q", a, b, got[0].Why)
	}
	if got[2].Changed {
		t.Errorf("255 bytes changed: %q", got[2].Why)
	}
}

// TestNamesSuffixTaken: a suffixed name that is taken, or is another path's plain name, gets a longer suffix.
func TestNamesSuffixTaken(t *testing.T) {
	first := Names([]Path{{"A"}, {"a"}}, false, nil)[0].Name
	got := Names([]Path{{"A"}, {"a"}, {first}}, false, nil)
	if got[2].Name != first || got[0].Name == first || !strings.HasPrefix(got[0].Name, first) {
		t.Errorf("names %v", got)
	}
	got = Names([]Path{{"A"}, {"a"}}, false, map[string]bool{first: true})
	if got[0].Name == first || !strings.HasPrefix(got[0].Name, first) {
		t.Errorf("names %v", got)
	}
}

// TestNamesAnyOrder: random paths get unique names that do not depend on their order.
func TestNamesAnyOrder(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 1))
	keys := []string{"a", "A", "b", "a_b", "a.b", "a-b", "source", "SOURCE", "", "1", "_1", "data", "a_b_c"}
	for range 300 {
		seen := map[string]bool{}
		var in []Path
		for range 40 {
			p := Path{"data"}[:r.IntN(2)]
			for range 1 + r.IntN(3) {
				p = append(slices.Clip(p), keys[r.IntN(len(keys))])
			}
			if s := p.String(); !seen[s] {
				seen[s] = true
				in = append(in, p)
			}
		}
		taken := map[string]bool{keys[r.IntN(len(keys))]: true}
		want := map[string]Name{}
		names := map[string]bool{}
		for _, n := range Names(in, true, taken) {
			if names[n.Name] || taken[n.Name] || slices.Contains(reserved, n.Name) {
				t.Fatalf("%s is %s, which is not free", n.Path, n.Name)
			}
			names[n.Name] = true
			want[n.Path.String()] = n
		}
		r.Shuffle(len(in), func(i, j int) { in[i], in[j] = in[j], in[i] })
		for _, n := range Names(in, true, taken) {
			if d := cmp.Diff(want[n.Path.String()], n); d != "" {
				t.Fatal(d)
			}
		}
	}
}

func TestCleanSource(t *testing.T) {
	for in, want := range map[string]string{
		"iot_sensors": "iot_sensors", "IoT Sensors/2": "iot_sensors_2", "": "_", "9lives": "9lives", "../x": "___x", "é": "_",
	} {
		if got := CleanSource(in); got != want {
			t.Errorf("CleanSource(%q) = %q, want %q", in, got, want)
		}
	}
	if got := CleanSource("Data"); got == "data" || !strings.HasPrefix(got, "data_") || CleanSource(got) != got {
		t.Errorf("the source Data is %q; its table would be that of all sources", got)
	}
	a, b := CleanSource(strings.Repeat("s", 200)+"1"), CleanSource(strings.Repeat("s", 200)+"2")
	if len(a) != 128 || len(b) != 128 || a == b {
		t.Errorf("long sources: %q, %q", a, b)
	}
}
