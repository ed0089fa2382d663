package plan_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"datalake/etl/plan"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

var noon = time.Date(2025, 11, 25, 12, 0, 0, 0, time.UTC)

func lake(t *testing.T, keys ...string) layout.Zone {
	t.Helper()
	store := memory.New()
	for i, key := range keys {
		store.SetClock(func() time.Time { return noon.Add(time.Duration(i) * time.Second) })
		if _, err := store.Put(t.Context(), key, strings.NewReader(key), storage.PutOptions{}); err != nil {
			t.Fatal(err)
		}
	}
	return layout.Zone{Store: store, Prefix: "raw"}
}

func unread(string, string) (bool, error) { return false, nil }

func TestList(t *testing.T) {
	zone := lake(t, "raw/b/x.json", "raw/IoT Sensors/year=2025/month=11/day=25/1.json", "raw/a/year=2024/month=02/day=29/1.json", "raw/top.json",
		"raw/a/_SUCCESS", "raw/a/.hidden", "other/a/x.json")
	p, err := plan.List(t.Context(), zone, plan.Options{Consumed: unread, RecordsAt: func(source string) string { return "at " + source }})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for i, o := range p.Objects {
		if o.Index != i || o.RecordsAt != "at "+o.Source || o.Size != int64(len(o.Key)) || !p.ModTimes[i].After(noon.Add(-time.Second)) {
			t.Errorf("object %d: %+v", i, o)
		}
		got = append(got, fmt.Sprint(o.Key, " ", o.Source, " ", time.UnixMilli(o.Arrived).UTC().Format(time.RFC3339)))
	}
	want := []string{
		"raw/IoT Sensors/year=2025/month=11/day=25/1.json iot_sensors 2025-11-25T12:00:01Z",
		"raw/a/year=2024/month=02/day=29/1.json a 2024-02-29T00:00:00Z",
		"raw/b/x.json b 2025-11-25T12:00:00Z",
		"raw/top.json default 2025-11-25T12:00:03Z",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") || p.Hidden != 2 {
		t.Errorf("hidden %d, objects:\n%s", p.Hidden, strings.Join(got, "\n"))
	}
}

func TestNarrowed(t *testing.T) {
	keys := []string{"raw/a/year=2025/month=11/day=20/1.json", "raw/a/year=2025/month=11/day=21/1.json", "raw/a/year=2025/month=11/day=22/1.json", "raw/b/1.json"}
	day := func(d int) time.Time { return time.Date(2025, 11, d, 0, 0, 0, 0, time.UTC) }
	for name, c := range map[string]struct {
		o    plan.Options
		want []int // of keys
		says string
	}{
		"source":   {plan.Options{Source: "b"}, []int{3}, "0 3 0 0"},
		"since":    {plan.Options{Since: day(21)}, []int{1, 2, 3}, "0 1 0 0"},
		"until":    {plan.Options{Since: day(20), Until: day(21)}, []int{0, 1}, "0 2 0 0"},
		"consumed": {plan.Options{Consumed: func(key, etag string) (bool, error) { return key == keys[1] && etag != "", nil }}, []int{0, 2, 3}, "1 0 0 0"},
		"again": {plan.Options{
			Source:   "b",
			Consumed: func(key, _ string) (bool, error) { return key != keys[3], nil },
			Again:    func(key, etag string) bool { return key == keys[2] && etag != "" },
		}, []int{2, 3}, "0 2 0 0"},
		"young":  {plan.Options{ChangedBefore: noon.Add(2 * time.Second), Now: noon.Add(3 * time.Second)}, []int{0, 1}, "0 0 2 0"},
		"future": {plan.Options{ChangedBefore: noon.Add(2 * time.Second), Now: noon.Add(2 * time.Second)}, []int{0, 1, 3}, "0 0 1 0"},
		"leave":  {plan.Options{Leave: map[string]bool{keys[0]: true}}, []int{1, 2, 3}, "0 0 1 0"},
		"max":    {plan.Options{Max: 3}, []int{0, 1, 2}, "0 0 0 1"},
	} {
		if c.o.Consumed == nil {
			c.o.Consumed = unread
		}
		p, err := plan.List(t.Context(), lake(t, keys...), c.o)
		if err != nil {
			t.Fatal(err)
		}
		var got, want []string
		for _, o := range p.Objects {
			got = append(got, o.Key)
		}
		for _, i := range c.want {
			want = append(want, keys[i])
		}
		if says := fmt.Sprint(p.Consumed, p.Unwanted, p.Young, p.Later); strings.Join(got, " ") != strings.Join(want, " ") || says != c.says {
			t.Errorf("%s: %s, counts %s; want %s, %s", name, got, says, want, c.says)
		}
	}
}

func TestFailure(t *testing.T) {
	zone := lake(t, "raw/a/1.json")
	broken := errors.New("broken")
	zone.Store.(*memory.Store).SetFaults(func(string, string) error { return broken }, nil)
	if _, err := plan.List(context.Background(), zone, plan.Options{Consumed: unread}); !errors.Is(err, broken) || !strings.Contains(err.Error(), "raw zone") {
		t.Errorf("error %v", err)
	}
}
