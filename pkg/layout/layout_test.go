package layout_test

import (
	"errors"
	"strings"
	"testing"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func TestPath(t *testing.T) {
	for _, test := range []struct {
		values []layout.Value
		want   string // empty: refused
	}{
		{[]layout.Value{{"source", "iot"}, {"year", "2025"}, {"month", "1"}, {"day", "25"}}, "source=iot/year=2025/month=1/day=25"},
		{[]layout.Value{{"site", "a/b:c=d%e"}}, "site=a%2Fb%3Ac%3Dd%25e"},
		{[]layout.Value{{"site", "\x00\x1f\x7f\"#'*?\\{[]^"}}, "site=%00%1F%7F%22%23%27%2A%3F%5C%7B%5B%5D%5E"},
		{[]layout.Value{{"site", "Zürich }|~ <>@"}}, "site=Zürich }|~ <>@"},
		{[]layout.Value{{"site", ""}, {"x", ".."}}, "site=__HIVE_DEFAULT_PARTITION__/x=.."},
		{[]layout.Value{{"site", strings.Repeat("x", 250)}}, "site=" + strings.Repeat("x", 250)},
		{[]layout.Value{{"site", strings.Repeat("x", 251)}}, ""},
		{[]layout.Value{{"site", strings.Repeat(":", 84)}}, ""},
		{[]layout.Value{{"site", "\xff"}}, ""},
		{[]layout.Value{{"Site", "x"}}, ""},
		{[]layout.Value{{"", "x"}}, ""},
		{nil, ""},
	} {
		got, err := layout.Path(test.values...)
		if test.want == "" {
			if !errors.Is(err, layout.ErrPartition) {
				t.Errorf("%q: got %q, %v", test.values, got, err)
			}
			continue
		}
		if err != nil || got != test.want {
			t.Errorf("%q: got %q, %v, want %q", test.values, got, err, test.want)
		}
		if err := storage.CheckKey(got); err != nil {
			t.Errorf("%q: %v", got, err)
		}
	}
}

func TestParsePath(t *testing.T) {
	for _, bad := range []string{"", "a", "a=", "=b", "a=b/", "/a=b", "a=b//c=d", "A=b"} {
		if v, err := layout.ParsePath(bad); !errors.Is(err, layout.ErrPartition) {
			t.Errorf("%q: got %v, %v", bad, v, err)
		}
	}
	for path, want := range map[string]string{
		"source=iot/day=1": "iot", "source=a%2Fb": "a/b", "source=50%": "50%", "source=%4": "%4", "source=%zz": "%zz",
		"source=__HIVE_DEFAULT_PARTITION__/day=1": "", "year=2025/source=iot": "", "source": "",
	} {
		if got := layout.SourceOf(path); got != want {
			t.Errorf("source of %q: got %q, want %q", path, got, want)
		}
	}
}

func FuzzPath(f *testing.F) {
	f.Add("iot", "a/b")
	f.Add("", "%2F")
	f.Add("__HIVE_DEFAULT_PARTITION__", "\x7f")
	f.Fuzz(func(t *testing.T, a, b string) {
		path, err := layout.Path(layout.Value{Key: "source", Value: a}, layout.Value{Key: "k", Value: b})
		if err != nil {
			return
		}
		if err := storage.CheckKey(path); err != nil {
			t.Fatal(err)
		}
		got, err := layout.ParsePath(path)
		if err != nil {
			t.Fatalf("%q: %v", path, err)
		}
		for i, want := range []string{a, b} {
			if want == layout.Null {
				want = ""
			}
			if got[i].Value != want {
				t.Fatalf("%q: got %q, want %q", path, got[i].Value, want)
			}
		}
	})
}

func TestParseRaw(t *testing.T) {
	const nov25 = 20417 // 2025-11-25
	for path, want := range map[string]layout.RawKey{
		"iot/year=2025/month=11/day=25/x.json":        {Source: "iot", Day: nov25, Dated: true},
		"iot/2025/11/25/x.json":                       {Source: "iot", Day: nov25, Dated: true},
		"source=iot/year=2025/month=11/day=25/h=1/x":  {Source: "iot", Day: nov25, Dated: true},
		"iot/eu/year=2025/month=11/day=25/x.json":     {Source: "iot", Day: nov25, Dated: true},
		"iot/year=1969/month=12/day=31/x":             {Source: "iot", Day: -1, Dated: true},
		"iot/year=1965/month=1/day=1/x":               {Source: "iot", Day: -1826, Dated: true},
		"iot/year=2025/month=2/day=30/x":              {Source: "iot"},
		"iot/year=2025/month=13/day=1/x":              {Source: "iot"},
		"iot/year=2025/month=11/x":                    {Source: "iot"},
		"iot/year=2025/day=25/month=11/x":             {Source: "iot"},
		"iot/20250/11/25/x":                           {Source: "iot"},
		"iot/year=/month=/day=/x":                     {Source: "iot"},
		"iot/year=+025/month=11/day=25/x":             {Source: "iot"},
		"iot/x.json":                                  {Source: "iot"},
		"My%20App/x":                                  {Source: "My App"},
		"x.json":                                      {},
		"year=2025/month=11/day=25/year=1/2/3/x.json": {Source: "year=2025"},
	} {
		if got := layout.ParseRaw(path); got != want {
			t.Errorf("%q: got %+v, want %+v", path, got, want)
		}
	}
}

func TestZone(t *testing.T) {
	store := memory.New()
	z := layout.Zone{Store: store, Prefix: "lake/processed", Root: "s3://acme"}
	if err := z.Check(); err != nil {
		t.Error(err)
	}
	for _, bad := range []layout.Zone{{}, {Store: store}, {Prefix: "x"}, {Store: store, Prefix: "x/"}, {Store: store, Prefix: "x@"}, {Store: store, Prefix: "../x"}} {
		if err := bad.Check(); !errors.Is(err, layout.ErrZone) {
			t.Errorf("zone %q: %v", bad.Prefix, err)
		}
	}
	if got := z.Location(z.FirstDir("source=iot")); got != "s3://acme/lake/processed/source=iot/" {
		t.Errorf("location %s", got)
	}
	for key, owned := range map[string]bool{
		"lake/processed/x": true, "lake/processed@/x": true, "lake/processed": false, "lake/processedx/y": false, "lake/processed@x": false, "lake/raw/x": false,
	} {
		if z.Owns(key) != owned {
			t.Errorf("owns %s: %t", key, !owned)
		}
	}
	if rel, err := z.Rel("lake/processed/a/b"); rel != "a/b" || err != nil {
		t.Errorf("rel: %q, %v", rel, err)
	}
	for _, bad := range []string{"lake/processed", "lake/processed/", "lake/processed@/a"} {
		if _, err := z.Rel(bad); !errors.Is(err, layout.ErrZone) {
			t.Errorf("rel of %s: %v", bad, err)
		}
	}
	for key, want := range map[string]layout.AsideKey{
		z.DataKey("id", "f"):                        {Attempt: "id", Name: "f"},
		z.DataPrefix("id") + "source=a/day=1/f":     {Attempt: "id", Partition: "source=a/day=1", Name: "f"},
		z.SwapDir("id", "source=a/day=1") + "f.x":   {Attempt: "id", Swap: true, Partition: "source=a/day=1", Name: "f.x"},
		z.ApartDir("id", "source=a/day=1") + "f.x":  {Attempt: "id", Swap: true, Partition: "source=a/day=1", Name: "f.x"},
		z.ApartDir("id", "source=a") + "f.x":        {Attempt: "id", Swap: true, Partition: "source=a", Name: "f.x"},
		z.AttemptPrefix("id") + "other/source=a/f":  {},
		z.AttemptPrefix("id") + "swap/f":            {},
		z.AttemptPrefix("id") + "data/":             {},
		z.AttemptPrefix("id") + "data//f":           {},
		z.AttemptPrefix("id") + "data/source=a/":    {},
		"lake/processed/id/data/source=a/f":         {},
		"lake/processed@/id":                        {},
		"lake/processed@@/id/data/source=a/day=1/f": {},
	} {
		got, err := z.ParseAside(key)
		if got != want || (err == nil) != (want != layout.AsideKey{}) {
			t.Errorf("%s: got %+v, %v", key, got, err)
		}
	}
}

func TestStatePaths(t *testing.T) {
	if got := layout.LogPath(7); got != "log/00000000000000000007" {
		t.Errorf("log path %s", got)
	}
	if seq, ok := layout.ParseLog(layout.LogPath(1 << 63)); seq != 1<<63 || !ok {
		t.Errorf("parsed %d, %t", seq, ok)
	}
	if seq, ok := layout.ParseCheckpoint(layout.CheckpointPath(9)); seq != 9 || !ok {
		t.Errorf("parsed %d, %t", seq, ok)
	}
	if n, done, ok := layout.ParseClaim("glue", layout.ClaimPath("glue", 3)); n != 3 || done || !ok {
		t.Errorf("parsed %d, %t, %t", n, done, ok)
	}
	if n, done, ok := layout.ParseClaim("glue", layout.DonePath("glue", 3)); n != 3 || !done || !ok {
		t.Errorf("parsed %d, %t, %t", n, done, ok)
	}
	if id, name, ok := layout.ParseAttempt(layout.AttemptPath("id", "a/b")); id != "id" || name != "a/b" || !ok {
		t.Errorf("parsed %q, %q, %t", id, name, ok)
	}
	for _, bad := range []string{"log/1", "log/000000000000000000x7", "log/+0000000000000000007", "log/99999999999999999999", "checkpoint/latest", "attempts/id", "attempts//x", "x"} {
		if _, ok := layout.ParseLog(bad); ok {
			t.Errorf("%s is an entry", bad)
		}
		if _, ok := layout.ParseCheckpoint(bad); ok {
			t.Errorf("%s is a checkpoint", bad)
		}
		if _, _, ok := layout.ParseAttempt(bad); ok {
			t.Errorf("%s is of an attempt", bad)
		}
	}
}
