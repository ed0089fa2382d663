package expr

import (
	"math"
	"strconv"
	"sync"
	"time"

	"datalake/pkg/timeparse"
)

const dayMillis = 24 * 60 * 60 * 1000

var conversions = []*function{
	{name: "int", doc: "Cut to an integer; of a timestamp the seconds since 1970.", global: true, takes: []signature{{tInt, tInt}, {tInt, tDouble}, {tInt, tString}, {tInt, tTime}}, one: toInt},
	{name: "double", doc: "As a double.", global: true, takes: []signature{{tDouble, tDouble}, {tDouble, tInt}, {tDouble, tString}}, one: toDouble},
	{name: "string", doc: "As text; of a timestamp RFC 3339.", global: true, takes: []signature{{tString, tString}, {tString, tInt}, {tString, tDouble}, {tString, tBool}, {tString, tTime}}, one: toString},
	{name: "bool", doc: "Of true and false.", global: true, takes: []signature{{tBool, tBool}, {tBool, tString}}, one: toBool},
	{name: "timestamp", doc: "Of RFC 3339 or a date; of seconds since 1970.", global: true, takes: []signature{{tTime, tTime}, {tTime, tString}, {tTime, tInt}}, one: toTimestamp},
	{name: "duration", doc: "Of text such as 1h30m or 10s.", global: true, takes: []signature{{tSpan, tSpan}, {tSpan, tString}}, one: toDuration},
	{name: "date", doc: "The midnight, UTC, at which the day begins.", global: true, takes: []signature{{tTime, tTime}, {tTime, tString}}, one: toDate},
}

func toInt(a Value) Value {
	switch a.kind {
	case KindInt:
		return a
	case KindDouble:
		f := math.Trunc(a.Double())
		if f != f || f >= 1<<63 || f < -1<<63 {
			return fail(overflow)
		}
		return Int(int64(f))
	case KindString:
		i, err := strconv.ParseInt(a.text, 10, 64)
		if err != nil {
			return fail("the text is no int")
		}
		return Int(i)
	case KindTimestamp:
		return Int(floorDiv(a.Int(), 1000))
	}
	return noOperands("int", a)
}

func toDouble(a Value) Value {
	switch a.kind {
	case KindInt, KindDouble:
		return Double(a.number())
	case KindString:
		f, err := strconv.ParseFloat(a.text, 64)
		if err != nil {
			return fail("the text is no double")
		}
		return Double(f)
	}
	return noOperands("double", a)
}

func toString(a Value) Value {
	switch a.kind {
	case KindString:
		return a
	case KindInt, KindDouble, KindBool, KindTimestamp:
		return String(a.String())
	}
	return noOperands("string", a)
}

func toBool(a Value) Value {
	switch {
	case a.kind == KindBool:
		return a
	case a.kind != KindString:
		return noOperands("bool", a)
	case a.text == "true":
		return Bool(true)
	case a.text == "false":
		return Bool(false)
	}
	return fail("the text is no bool")
}

var rfc3339 = func() *timeparse.Layout {
	l, err := timeparse.Compile(timeparse.RFC3339, nil)
	if err != nil {
		panic(err) // a name that the package itself defines
	}
	return l
}()

func toTimestamp(a Value) Value {
	switch a.kind {
	case KindTimestamp:
		return a
	case KindInt:
		if i := a.Int(); i > math.MinInt64/1000 && i < math.MaxInt64/1000 {
			return Timestamp(i * 1000)
		}
		return fail(overflow)
	case KindString:
		if d, ok := timeparse.Date([]byte(a.text)); ok {
			return Timestamp(int64(d) * dayMillis)
		}
		ms, _, ok := rfc3339.Parse([]byte(a.text))
		if !ok {
			return fail("the text is no time such as 2000-01-31T12:30:00Z")
		}
		return Timestamp(ms)
	}
	return noOperands("timestamp", a)
}

func toDuration(a Value) Value {
	switch a.kind {
	case KindDuration:
		return a
	case KindString:
		d, err := time.ParseDuration(a.text)
		if err != nil {
			return fail("the text is no duration such as 1h30m or 10s")
		}
		return Duration(d.Milliseconds())
	}
	return noOperands("duration", a)
}

// toDate gives the midnight, UTC, at which the day begins.
func toDate(a Value) Value {
	if a = toTimestamp(a); a.kind == KindTimestamp {
		return Timestamp(floorDiv(a.Int(), dayMillis) * dayMillis)
	}
	return a
}

func floorDiv(a, b int64) int64 {
	q := a / b
	if a%b < 0 {
		q--
	}
	return q
}

var times = []*function{
	getter("getFullYear", "", func(t time.Time) int { return t.Year() }, nil),
	getter("getMonth", "0 to 11.", func(t time.Time) int { return int(t.Month()) - 1 }, nil),
	getter("getDate", "The day of the month, 1 to 31.", func(t time.Time) int { return t.Day() }, nil),
	getter("getDayOfMonth", "0 to 30.", func(t time.Time) int { return t.Day() - 1 }, nil),
	getter("getDayOfWeek", "0 is Sunday.", func(t time.Time) int { return int(t.Weekday()) }, nil),
	getter("getDayOfYear", "0 to 365.", func(t time.Time) int { return t.YearDay() - 1 }, nil),
	getter("getHours", "Of a duration all its hours.", func(t time.Time) int { return t.Hour() }, func(ms int64) int64 { return ms / 3600_000 }),
	getter("getMinutes", "", func(t time.Time) int { return t.Minute() }, func(ms int64) int64 { return ms / 60_000 }),
	getter("getSeconds", "", func(t time.Time) int { return t.Second() }, func(ms int64) int64 { return ms / 1000 }),
	getter("getMilliseconds", "", func(t time.Time) int { return t.Nanosecond() / 1e6 }, func(ms int64) int64 { return ms }),
}

// getter is a function that takes a part of a timestamp, in UTC or the time zone named, or the whole number of units of a duration.
func getter(name, doc string, get func(time.Time) int, count func(ms int64) int64) *function {
	f := &function{name: name, doc: doc, member: true, takes: []signature{{tInt, tTime}, {tInt, tTime, tString}}}
	if count != nil {
		f.takes = append(f.takes, signature{tInt, tSpan})
	}
	f.many = func(v []Value) Value {
		switch {
		case v[0].kind == KindDuration && count != nil && len(v) == 1:
			return Int(count(v[0].Int()))
		case v[0].kind != KindTimestamp || len(v) == 2 && v[1].kind != KindString:
			return noOperands(name, v...)
		}
		t := time.UnixMilli(v[0].Int()).UTC()
		if len(v) == 2 {
			zone, err := location(v[1].text)
			if err != nil {
				return fail("unknown time zone")
			}
			t = t.In(zone)
		}
		return Int(int64(get(t)))
	}
	return f
}

// locations keeps the time zones that expressions have named: each is a file to read.
var locations sync.Map

func location(name string) (*time.Location, error) {
	if l, ok := locations.Load(name); ok {
		return l.(*time.Location), nil
	}
	l, err := time.LoadLocation(name)
	if err == nil {
		locations.Store(name, l)
	}
	return l, err
}
