package demo

import (
	"fmt"
	"strconv"
	"time"
)

// appClicks: events of an app as bare JSON, known by the folder alone.
var appClicks = source{
	name: "app_clicks", share: 0.32, perObject: 4000, again: 0.01, broken: 0.0003, cut: 1,
	record: click,
	spoil:  spoil,
	pack:   lines,
	suffix: func(n int) string { return []string{"", ".gz", ".zst"}[n%3] },
}

func click(r *record, i int, arrived time.Time, drifted bool) {
	event := arrived.Add(-time.Duration(r.IntN(30_000)) * time.Millisecond)
	if chance(r.Rand, 0.02) { // a phone in flight mode
		event = event.Add(-time.Duration(r.IntN(48*3600)) * time.Second)
	}
	r.add("ts", strconv.FormatInt(event.UnixMilli(), 10))
	r.add("session", fmt.Sprintf(`"%08x"`, uint32(i/12)*2654435761))
	r.add("seq", strconv.Itoa(i%12))
	r.add("user", fmt.Sprintf(`"u_%05d"`, (i/12)%3000))
	r.add("page", pick(r.Rand, `"/"`, `"/search"`, `"/cart"`, `"/product/4711"`, `"/product/1138"`, `"/checkout"`, `"/über-uns"`))
	ms := strconv.Itoa(20 + r.IntN(900))
	if drifted && chance(r.Rand, 0.03) {
		ms = "18446744073709551615" // -1 of a client that counts without a sign
	}
	r.add("ms", ms)
	r.nest("device", []member{
		{key: "os", value: pick(r.Rand, `"ios"`, `"android"`, `"web"`)},
		{key: "app", value: pick(r.Rand, `"5.2.1"`, `"5.3.0"`)},
	})
	r.add("referrer", pick(r.Rand, "null", "null", `"newsletter"`, `"ads"`))
	r.add("experiments", pick(r.Rand, "[]", `["new_nav"]`, `["new_nav","fast_cart"]`))
	if drifted {
		r.add("consent", pick(r.Rand, "true", "false"))
	}
}
