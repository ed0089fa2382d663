package timeparse

import "fmt"

// part is a piece of a time that a directive sets.
type part uint8

const (
	partLiteral part = iota
	partYear
	partYear2
	partMonth
	partMonthName
	partDay
	partDaySpace
	partYearDay
	partWeekday
	partHour
	partHour12
	partHalf
	partMinute
	partSecond
	partFraction
	partOffset
	partZoneName
	partEpoch
)

// step reads one part, or the literal byte.
type step struct {
	part    part
	literal byte
}

// directives maps the letter after % to its part.
var directives = map[byte]part{
	'Y': partYear, 'y': partYear2, 'm': partMonth, 'b': partMonthName, 'B': partMonthName, 'h': partMonthName, 'd': partDay, 'e': partDaySpace,
	'j': partYearDay, 'a': partWeekday, 'A': partWeekday, 'H': partHour, 'I': partHour12, 'p': partHalf, 'M': partMinute, 'S': partSecond,
	'f': partFraction, 'z': partOffset, 'Z': partZoneName, 's': partEpoch,
}

// shorthands maps the letter after % to the layout that it stands for.
var shorthands = map[byte]string{'F': "%Y-%m-%d", 'T': "%H:%M:%S", 'R': "%H:%M", 'D': "%m/%d/%y"}

// group is what a part is a spelling of; a layout may set each group once.
var group = map[part]string{
	partYear: "year", partYear2: "year", partMonth: "month", partMonthName: "month", partDay: "day", partDaySpace: "day", partYearDay: "day of the year",
	partWeekday: "weekday", partHour: "hour", partHour12: "hour", partHalf: "half of the day", partMinute: "minute", partSecond: "second",
	partFraction: "fraction", partOffset: "offset", partZoneName: "offset", partEpoch: "epoch",
}

func compileSteps(format string) ([]step, error) {
	steps, err := appendSteps(nil, format, format)
	if err != nil {
		return nil, err
	}
	has := map[string]bool{}
	hour12 := false
	for _, s := range steps {
		g := group[s.part]
		if g == "" {
			continue
		}
		if has[g] {
			return nil, fmt.Errorf("%w %q: it has the %s twice", ErrLayout, format, g)
		}
		has[g] = true
		hour12 = hour12 || s.part == partHour12
	}
	fail := func(why string) ([]step, error) { return nil, fmt.Errorf("%w %q: %s", ErrLayout, format, why) }
	switch date := has["year"] || has["month"] || has["day"] || has["day of the year"]; {
	case has["epoch"] && (date || has["hour"] || has["offset"]):
		return fail("%s cannot stand beside a date, an hour or an offset")
	case has["epoch"] && (has["minute"] || has["second"] || has["half of the day"]):
		return fail("%s cannot stand beside a time of day")
	case has["epoch"]:
		return steps, nil
	case !has["year"]:
		return fail("it has no year (%Y, %y) and no %s")
	case has["day of the year"] && (has["month"] || has["day"]):
		return fail("%j cannot stand beside a month or a day")
	case !has["day of the year"] && !has["month"]:
		return fail("it has no month (%m, %b, %B)")
	case !has["day of the year"] && !has["day"]:
		return fail("it has no day (%d, %e)")
	case hour12 != has["half of the day"]:
		return fail("%I and %p need each other")
	case has["minute"] && !has["hour"], has["second"] && !has["minute"], has["fraction"] && !has["second"]:
		return fail("a minute needs an hour, a second a minute, a fraction a second")
	}
	return steps, nil
}

func appendSteps(steps []step, format, whole string) ([]step, error) {
	var err error
	for i := 0; i < len(format); i++ {
		if format[i] != '%' {
			steps = append(steps, step{literal: format[i]})
			continue
		}
		if i++; i == len(format) {
			return nil, fmt.Errorf("%w %q: a percent sign ends it (%%%% stands for itself)", ErrLayout, whole)
		}
		c := format[i]
		if c == '%' {
			steps = append(steps, step{literal: '%'})
		} else if short := shorthands[c]; short != "" {
			if steps, err = appendSteps(steps, short, whole); err != nil {
				return nil, err
			}
		} else if p := directives[c]; p != 0 {
			steps = append(steps, step{part: p})
		} else {
			return nil, fmt.Errorf("%w %%%c in %q: known are %%Y %%y %%m %%b %%B %%h %%d %%e %%j %%a %%A %%H %%I %%p %%M %%S %%f %%z %%Z %%s %%F %%T %%R %%D %%%%", ErrDirective, c, whole)
		}
	}
	return steps, nil
}

// run reads all of t by the steps and settles the day.
func (m *moment) run(steps []step, t []byte) bool {
	i := 0
	for _, s := range steps {
		n, ok := m.take(s, t[i:])
		if !ok {
			return false
		}
		i += n
	}
	if i != len(t) {
		return false
	}
	if m.has&(1<<partHour12) != 0 {
		if m.hour %= 12; m.pm {
			m.hour += 12
		}
	}
	switch {
	case m.has&(1<<partEpoch) != 0:
		// A negative number's fraction has no agreed meaning.
		return m.epoch >= 0 || m.ns == 0
	case m.has&(1<<partYearDay) != 0:
		if m.year < 1 || m.yday == 366 && !leap(m.year) {
			return false
		}
		m.days = newYear(m.year) + int64(m.yday-1)
		return true
	}
	var ok bool
	m.days, ok = daysOf(m.year, m.month, m.day)
	return ok
}

// take reads one step at the front of t and gives its length.
func (m *moment) take(s step, t []byte) (n int, ok bool) {
	var v int
	switch s.part {
	case partLiteral:
		return 1, len(t) > 0 && t[0] == s.literal
	case partYear:
		v, n = digits(t, 4)
		m.year, ok = v, n == 4
	case partYear2:
		v, n = digits(t, 2)
		if m.year = 2000 + v; v >= 69 {
			m.year = 1900 + v
		}
		ok = n == 2
	case partMonth:
		m.month, n, ok = between(t, 2, 1, 12)
	case partMonthName:
		m.month, n = name(t, months[:])
		ok = n > 0
	case partDay:
		m.day, n, ok = between(t, 2, 1, 31)
	case partDaySpace:
		lead := 0
		if len(t) > 0 && t[0] == ' ' {
			lead = 1
		}
		m.day, n, ok = between(t[lead:], 2-lead, 1, 31)
		n += lead
	case partYearDay:
		m.yday, n, ok = between(t, 3, 1, 366)
	case partWeekday:
		_, n = name(t, weekdays[:])
		ok = n > 0
	case partHour:
		m.hour, n, ok = between(t, 2, 0, 23)
	case partHour12:
		m.hour, n, ok = between(t, 2, 1, 12)
	case partHalf:
		if len(t) < 2 || t[1]|0x20 != 'm' {
			return 0, false
		}
		m.pm = t[0]|0x20 == 'p'
		n, ok = 2, m.pm || t[0]|0x20 == 'a'
	case partMinute:
		m.minute, n, ok = between(t, 2, 0, 59)
	case partSecond:
		m.second, n, ok = between(t, 2, 0, 60)
	case partFraction:
		for n < len(t) && t[n]-'0' <= 9 {
			n++
		}
		m.ns, ok = fraction(t[:n])
	case partOffset:
		m.offset, n, ok = offset(t)
	case partZoneName:
		n, ok = zoneName(t)
		m.has |= 1 << partOffset
	case partEpoch:
		m.epoch, n, ok = integer(t)
	}
	m.has |= 1 << s.part
	return n, ok
}

// digits reads up to limit digits.
func digits(t []byte, limit int) (v, n int) {
	for n < limit && n < len(t) && t[n]-'0' <= 9 {
		v = v*10 + int(t[n]-'0')
		n++
	}
	return v, n
}

func between(t []byte, limit, low, high int) (v, n int, ok bool) {
	v, n = digits(t, limit)
	return v, n, n > 0 && v >= low && v <= high
}

// integer reads an integer of at most 12 digits, which is more than the year 9999 needs. It refuses -0, whose sign a
// fraction after it would need.
func integer(t []byte) (v int64, n int, ok bool) {
	lead := 0
	if len(t) > 0 && t[0] == '-' {
		lead = 1
	}
	u, n := digits(t[lead:], 12)
	if v = int64(u); lead == 1 {
		v = -v
	}
	return v, n + lead, n > 0 && (lead == 0 || u > 0)
}

func zoneName(t []byte) (n int, ok bool) {
	if len(t) >= 3 && (equalFold(t[:3], "utc") || equalFold(t[:3], "gmt")) {
		return 3, true
	}
	return 1, len(t) > 0 && t[0]|0x20 == 'z'
}

var (
	months   = [...]string{"january", "february", "march", "april", "may", "june", "july", "august", "september", "october", "november", "december"}
	weekdays = [...]string{"monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"}
)

// name reads a name or its first three letters, the longer where both fit, and gives its number from 1.
func name(t []byte, names []string) (number, n int) {
	for i, w := range names {
		if len(t) >= len(w) && equalFold(t[:len(w)], w) {
			return i + 1, len(w)
		}
		if len(t) >= 3 && equalFold(t[:3], w[:3]) {
			return i + 1, 3
		}
	}
	return 0, 0
}

// equalFold compares ASCII letters without case; lower is in lower case and as long as t.
func equalFold(t []byte, lower string) bool {
	for i, c := range t {
		if c|0x20 != lower[i] {
			return false
		}
	}
	return true
}
