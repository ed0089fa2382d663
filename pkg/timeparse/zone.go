package timeparse

import (
	"math"
	"sort"
	"time"
)

// zone turns wall-clock seconds into UTC seconds. Interval i of it begins at wall-clock second starts[i] and lies
// offsets[i] seconds east of UTC.
//
// A change of offset at the instant T from a to b takes effect at wall-clock T+max(a, b): in a gap or an overlap the
// offset from before the change holds. So a search among the starts is all there is to do. Calendar and rules repeat every
// 400 years, so that the table ends where a whole cycle of rules is in it.
type zone struct {
	starts  []int64
	offsets []int32
	utc     []int64 // the instants T
}

const cycle = 146097 * 86400 // seconds in 400 years

// No zone has changes announced by date beyond 2100, only rules.
var (
	cycleStart = newYear(2100) * 86400
	cycleEnd   = cycleStart + cycle
)

func newZone(loc *time.Location) zone {
	if loc == nil {
		loc = time.UTC
	}
	t := time.Unix(newYear(1)*86400, 0).In(loc)
	_, off := t.Zone()
	z := zone{starts: []int64{math.MinInt64}, offsets: []int32{int32(off)}, utc: []int64{math.MinInt64}}
	for {
		_, end := t.ZoneBounds()
		if end.IsZero() || end.Unix() > cycleEnd+366*86400 {
			return z
		}
		// Where rules go on after the listed changes, package time ends an interval on the 365th day of a year, and on
		// the last day of a leap year gives an end that is past.
		if !end.After(t) {
			end = t.Add(time.Hour)
		}
		t = end
		last := z.offsets[len(z.offsets)-1]
		if _, off = t.Zone(); int32(off) == last {
			continue
		}
		start := max(t.Unix()+int64(max(int32(off), last)), z.starts[len(z.starts)-1])
		z.starts = append(z.starts, start)
		z.offsets = append(z.offsets, int32(off))
		z.utc = append(z.utc, t.Unix())
	}
}

// toUTC gives the instant of a wall-clock second.
func (z *zone) toUTC(wall int64) int64 { return wall - z.find(z.starts, wall) }

// at gives the offset in force at an instant.
func (z *zone) at(utc int64) int64 { return z.find(z.utc, utc) }

func (z *zone) find(starts []int64, s int64) int64 {
	if len(starts) == 1 {
		return int64(z.offsets[0])
	}
	if s >= cycleEnd {
		s = cycleStart + (s-cycleStart)%cycle
	}
	i := sort.Search(len(starts)-1, func(i int) bool { return starts[i+1] > s })
	return int64(z.offsets[i])
}
