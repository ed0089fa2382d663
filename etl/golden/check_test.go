package golden

import (
	"fmt"
	"regexp"
	"strings"
	"testing"

	"datalake/pkg/lakefile"
)

const good = `Two orders, one of them twice.
-- raw/orders/a.json --
{"id":1,"at":"2025-03-01T00:00:00Z","total":1.5}
{"id":1,"at":"2025-03-01T00:00:00Z","total":1.5}
broken
-- rows orders --
source=orders/year=2025/month=03/day=01
{"event_time":"2025-03-01T00:00:00.000Z","id":1,"total":1.5}
-- rejects --
{"rule":"json","object":"orders/a.json","offset":98,"line":3,"reason":"'b' where a value should stand","payload":"broken"}
-- balance --
in=3 out=1 duplicates=1 quarantined=1 rescued=0
`

// teams reads a lake file that cases without one are played on.
func teams(t *testing.T, text string) Options {
	t.Helper()
	f, err := lakefile.Parse("team.yaml", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	o := inMemory
	o.Lake = f
	return o
}

// around is what a difference shows around the lines that differ.
var around = regexp.MustCompile(`(?m)(@@.*\n)|^ .*\n`)

func TestCheck(t *testing.T) {
	o := teams(t, "sources: {orders: {event_time: {path: at}}}")
	for name, c := range map[string]struct {
		old, new string
		want     string // run, section: part of the text
	}{
		"as it is":          {"", "", ""},
		"another balance":   {"out=1", "out=2", "1 balance: -in=3 out=2 duplicates=1 quarantined=1 rescued=0\n+in=3 out=1"},
		"another row":       {`"total":1.5}` + "\n-- rej", `"total":2.5}` + "\n-- rej", `1 rows orders: -{"event_time":"2025-03-01T00:00:00.000Z","id":1,"total":2.5}` + "\n+{"},
		"no such table":     {"rows orders", "rows clicks", "1 rows clicks: -source=orders/year=2025/month=03/day=01\n-{\"event_time\":\"2025-03-01T00:00:00.000Z\",\"id\":1,\"total\":1.5}\n+no such table"},
		"balance not said":  {"-- balance --\nin=3 out=1 duplicates=1 quarantined=1 rescued=0\n", "", "1 balance: the case does not say its balance: in=3 out=1"},
		"rejects not said":  {"-- rejects --\n{\"rule\":\"json\",\"object\":\"orders/a.json\",\"offset\":98,\"line\":3,\"reason\":\"'b' where a value should stand\",\"payload\":\"broken\"}\n", "", "1 rejects: the case does not say its rejects:\n{\"rule\""},
		"no error":          {"-- balance --\n", "-- error --\nno luck\n-- balance --\n", "1 error: the run succeeded, it should fail: no luck"},
		"an error":          {"-- balance --\n", "-- lake.yaml --\nsources: {orders: {envelop: none}}\n-- balance --\n", "1 : the run failed: lake.yaml:1:"},
		"another error":     {"-- balance --\n", "-- lake.yaml --\nsources: {orders: {envelop: none}}\n-- error --\nno luck\n-- balance --\n", `should say "no luck"`},
		"a lake file first": {"-- balance --\n", "-- lake.yaml --\nsources: {orders: {dedupe: none}}\n-- balance --\n", "1 balance: -in=3 out=1 duplicates=1 quarantined=1 rescued=0\n+in=3 out=2"},
	} {
		text := strings.Replace(good, c.old, c.new, 1)
		k, err := Parse([]byte(text))
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if k.Title() != "Two orders, one of them twice." {
			t.Errorf("title %q", k.Title())
		}
		differences, err := k.Check(t.Context(), o)
		if err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		var got strings.Builder
		for _, d := range differences {
			fmt.Fprintf(&got, "%d %s: %s\n", d.Run, d.Section, d.Text)
		}
		plain := around.ReplaceAllString(got.String(), "")
		if (c.want == "") != (plain == "") || !strings.Contains(plain, c.want) {
			t.Errorf("%s: got\n%swant\n%s", name, plain, c.want)
		}
		if err := k.Update(t.Context(), o); err != nil {
			t.Fatalf("%s: %v", name, err)
		}
		if d, err := k.Check(t.Context(), o); (len(d) > 0 || err != nil) && !strings.Contains(name, "error") {
			t.Errorf("%s: after Update: %v, %v\n%s", name, d, err, k.Format())
		}
	}
}

// The variables of a case's lake file come from Lookup.
func TestLookup(t *testing.T) {
	k, err := Parse([]byte("A path of the environment.\n-- lake.yaml --\nsources: {s: {event_time: {path: \"${WHERE}\"}}}\n-- raw/s/a.json --\n{\"when\":\"2025-02-01\"}\n-- schema s --\nenvelope none\nevent_time when\n-- balance --\nin=1 out=1 duplicates=0 quarantined=0 rescued=0\n"))
	if err != nil {
		t.Fatal(err)
	}
	o := inMemory
	if d, err := k.Check(t.Context(), o); err != nil || len(d) == 0 || !strings.Contains(d[0].Text, "WHERE is not set") {
		t.Errorf("%v, %v", d, err)
	}
	o.Lookup = func(name string) (string, bool) { return "when", name == "WHERE" }
	if d, err := k.Check(t.Context(), o); err != nil || len(d) > 0 {
		t.Errorf("%v, %v", d, err)
	}
}
