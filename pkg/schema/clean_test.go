package schema

import (
	"strings"
	"testing"
)

func TestAppendText(t *testing.T) {
	all := Clean{Trim: true, Collapse: true, Case: Lower}
	for _, x := range []struct {
		c        Clean
		in, want string
	}{
		{Clean{}, "  A\tb ", "  A\tb "},
		{Clean{Trim: true}, " \t\u00a0\u3000a  b\u2003\u0085\n", "a  b"},
		{Clean{Trim: true}, " \u00a0 ", ""},
		{Clean{Trim: true}, "\u200ba", "\u200ba"}, // no white space to Unicode
		{Clean{Collapse: true}, "  a \u00a0\tb\n", " a b "},
		{Clean{Case: Upper}, "straße ñ 1", "STRAßE Ñ 1"},
		{Clean{Case: Lower}, "ÀΣ İ", "àσ i"},
		{all, " A  B\u2028\u2029C ", "a b c"},
		{all, "\xff A", "\xff a"},
	} {
		if got := string(x.c.AppendText([]byte("<"), []byte(x.in))); got != "<"+x.want {
			t.Errorf("%+v of %q: %q, want %q", x.c, x.in, got[1:], x.want)
		}
	}
}

// What Keeps says stays, stays; and it sees that of what is plain.
func FuzzKeeps(f *testing.F) {
	f.Add(" a", uint8(1))
	f.Add("a  b", uint8(2))
	f.Add("A\tb", uint8(7))
	f.Add("-", uint8(16))
	f.Fuzz(func(t *testing.T, text string, how uint8) {
		c := Clean{Trim: how&1 > 0, Collapse: how&2 > 0, Case: []string{"", Lower, Upper}[how>>2%3]}
		if how&16 > 0 {
			c.Nulls = []string{"", "-"}
		}
		is := c.AppendText(nil, []byte(text))
		stays := string(is) == text && !c.IsNull(is)
		switch keeps := c.Keeps([]byte(text)); {
		case keeps && !stays:
			t.Errorf("%+v makes %q of %q", c, is, text)
		case !keeps && stays && strings.Trim(text, "abcdefghijklmnopqrstuvwxyz") == "":
			t.Errorf("%+v leaves %q as it is", c, text)
		}
	})
}

// What makes the values of columns by which rows are told apart is part of a table's meaning, and of no other.
func TestFingerprintOfCleaning(t *testing.T) {
	base := Common("s", Enveloped)
	base.Dedupe.Key = []string{"key"}
	base.Dedupe.Keep, base.Dedupe.By = KeepLatest, "made"
	base.PartitionBy = []string{"source", "site"}
	base = extend(t, base, data("key", "string"), data("site", "string"), data("n", "int"), data("part", "int"),
		Column{Name: "made", Type: Type{Kind: Bigint}, Role: Derived, Expr: "part * 2"}).Fix()
	change := func(column string, f func(c *Column)) *Schema {
		c := base.Clone()
		f(&c.Columns[c.Index(column)])
		return c
	}
	for name, x := range map[string]struct {
		column string
		f      func(c *Column)
		want   string // "": no difference
	}{
		"trim of the key":     {"key", func(c *Column) { c.Clean = &Clean{Trim: true, Nulls: []string{"-"}} }, `values of column key, which rows are told apart by: trimmed, null for ["-"], was as it comes`},
		"mask of the key":     {"key", func(c *Column) { c.Clean = &Clean{Mask: &Mask{SHA256: "env:SALT"}} }, "as SHA-256 with env:SALT"},
		"null of the key":     {"key", func(c *Column) { c.Check = &Check{Pattern: "x", OnFail: FailNull} }, `null where it fails {"pattern":"x","on_fail":"null"}`},
		"case of a partition": {"site", func(c *Column) { c.Clean = &Clean{Case: Lower} }, "in lower case"},
		"expression":          {"made", func(c *Column) { c.Expr = "part * 3" }, "of part * 3, was of part * 2"},
		"what it is made of":  {"part", func(c *Column) { c.Clean = &Clean{ClampMin: "1", Default: "2"} }, "at least 1, 2 for null"},
		"score of the key":    {"key", func(c *Column) { c.Check = &Check{Pattern: "x", OnFail: FailReject} }, ""},
		"another column": {"n", func(c *Column) {
			c.Clean = &Clean{Trim: true, Mask: &Mask{Drop: true}}
			c.Check = &Check{Min: "1", OnFail: FailNull}
		}, ""},
		"nothing": {"key", func(c *Column) { c.Clean = &Clean{} }, ""},
	} {
		next := change(x.column, x.f)
		d := strings.Join(base.Differences(next), "\n")
		if (base.Fingerprint() == next.Fingerprint()) != (x.want == "") || !strings.Contains(d, x.want) || x.want == "" && d != "" {
			t.Errorf("%s: differences %q, want %q", name, d, x.want)
		}
	}
	rules := base.Clone()
	rules.Rules = []Rule{{Name: "r", Expr: "n > 1"}}
	if base.Fingerprint() != rules.Fingerprint() || len(base.Differences(rules)) > 0 {
		t.Error("rules are part of the fingerprint")
	}
}
