package timeparse

import (
	"errors"
	"fmt"
	"strings"
	"time"
)

// The errors of Compile, to be found by errors.Is.
var (
	// ErrFormat: the text is neither a named format nor a layout with a directive.
	ErrFormat = errors.New("unknown time format")
	// ErrDirective: the layout has a directive that is not known.
	ErrDirective = errors.New("unknown directive")
	// ErrLayout: the directives do not settle one time: a part is missing, or is there twice.
	ErrLayout = errors.New("bad time layout")
)

// The formats that have a name.
const (
	RFC3339 = "rfc3339"
	Epoch   = "epoch"
	EpochS  = "epoch_s"
	EpochMS = "epoch_ms"
	EpochUS = "epoch_us"
	EpochNS = "epoch_ns"
)

// Layout is one way of writing a time. Make one by Compile. It never changes, so any number of goroutines may use it.
type Layout struct {
	format string
	kind   kind
	// shift: a number times 10^shift is milliseconds (kindEpoch).
	shift int
	steps []step
	// utc: the zone is UTC, the common case.
	utc  bool
	zone zone
}

type kind uint8

const (
	kindRFC3339 kind = iota
	kindEpoch
	kindMagnitude
	kindSteps
)

// Compile reads a format as the package's comment lists them. zone is for times written without an offset; nil means UTC.
// The error wraps ErrFormat, ErrDirective or ErrLayout.
func Compile(format string, zone *time.Location) (*Layout, error) {
	l := &Layout{format: format}
	switch format {
	case RFC3339:
		l.kind = kindRFC3339
	case EpochS:
		l.kind, l.shift = kindEpoch, 3
	case EpochMS:
		l.kind, l.shift = kindEpoch, 0
	case EpochUS:
		l.kind, l.shift = kindEpoch, -3
	case EpochNS:
		l.kind, l.shift = kindEpoch, -6
	case Epoch:
		l.kind = kindMagnitude
	default:
		if !strings.Contains(format, "%") {
			return nil, fmt.Errorf("%w %q: known are rfc3339, epoch, epoch_s, epoch_ms, epoch_us, epoch_ns and layouts such as %%Y-%%m-%%d", ErrFormat, format)
		}
		l.kind = kindSteps
		steps, err := compileSteps(format)
		if err != nil {
			return nil, err
		}
		l.steps = steps
	}
	l.zone = newZone(zone)
	l.utc = len(l.zone.starts) == 1 && l.zone.offsets[0] == 0
	return l, nil
}

// String is the format that the layout was compiled from.
func (l *Layout) String() string { return l.format }

// Numeric says whether the layout reads numbers (epoch and its kin) rather than text.
func (l *Layout) Numeric() bool { return l.kind == kindEpoch || l.kind == kindMagnitude }

// Parse reads all of text. ms is the time in milliseconds since 1970, floored; subMS the nanoseconds that flooring took
// off, 0 to 999999. ok is false if text is no time of this layout.
func (l *Layout) Parse(text []byte) (ms int64, subMS int32, ok bool) {
	switch l.kind {
	case kindRFC3339:
		if ms, subMS, ok = fastRFC3339(text); ok {
			return ms, subMS, true
		}
		var m moment
		if !m.rfc3339(text) {
			return 0, 0, false
		}
		return l.instant(&m)
	case kindEpoch, kindMagnitude:
		return parseEpoch(text, l.shift, l.kind == kindMagnitude)
	}
	var m moment
	if !m.run(l.steps, text) {
		return 0, 0, false
	}
	if m.has&(1<<partEpoch) != 0 {
		return inRange(m.epoch*1000+int64(m.ns/1e6), m.ns%1e6)
	}
	return l.instant(&m)
}

// Date reads all of text and gives the day that it names, in days since 1970-01-01: the date as it is written, whatever
// the time of day and the offset; for a number, the day in the layout's zone.
func (l *Layout) Date(text []byte) (days int32, ok bool) {
	var m moment
	switch l.kind {
	case kindRFC3339:
		if !m.rfc3339(text) {
			return 0, false
		}
		return int32(m.days), true
	case kindSteps:
		if !m.run(l.steps, text) {
			return 0, false
		}
		if m.has&(1<<partEpoch) == 0 {
			return int32(m.days), true
		}
	}
	ms, _, ok := l.Parse(text)
	if !ok {
		return 0, false
	}
	s := floorDiv(ms, 1000)
	return int32(floorDiv(s+l.zone.at(s), 86400)), true
}

// Date reads a date written %Y-%m-%d, with four, two and two digits, and gives the days since 1970-01-01.
func Date(text []byte) (days int32, ok bool) {
	if len(text) != 10 || text[4] != '-' || text[7] != '-' {
		return 0, false
	}
	y1, ok1 := two(text, 0)
	y2, ok2 := two(text, 2)
	mo, ok3 := two(text, 5)
	d, ok4 := two(text, 8)
	if !(ok1 && ok2 && ok3 && ok4) {
		return 0, false
	}
	n, ok := daysOf(y1*100+y2, mo, d)
	return int32(n), ok
}

// The bounds of what Parse gives: the years 0001 to 9999.
const (
	minMS = -62135596800000
	maxMS = 253402300799999
)

func inRange(ms int64, sub int32) (int64, int32, bool) {
	if ms < minMS || ms > maxMS {
		return 0, 0, false
	}
	return ms, sub, true
}

// instant turns a date and time of day into milliseconds.
func (l *Layout) instant(m *moment) (int64, int32, bool) {
	s := m.days*86400 + int64(m.hour*3600+m.minute*60+m.second)
	switch {
	case m.has&(1<<partOffset) != 0:
		s -= int64(m.offset)
	case !l.utc:
		s = l.zone.toUTC(s)
	}
	return inRange(s*1000+int64(m.ns/1e6), m.ns%1e6)
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}
