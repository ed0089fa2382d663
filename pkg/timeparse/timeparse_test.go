package timeparse

import (
	"errors"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"time"
	_ "time/tzdata"
)

func location(t testing.TB, name string) *time.Location {
	t.Helper()
	loc, err := time.LoadLocation(name)
	if err != nil {
		t.Fatal(err)
	}
	return loc
}

func TestParse(t *testing.T) {
	for _, c := range []struct {
		format, zone, text string
		want               string // RFC 3339 in UTC with nanoseconds; empty: refused
	}{
		{"rfc3339", "", "2025-11-25T10:00:00Z", "2025-11-25T10:00:00Z"},
		{"rfc3339", "", "2025-11-25t10:00:00z", "2025-11-25T10:00:00Z"},
		{"rfc3339", "", "2025-11-25 10:00:00.5Z", "2025-11-25T10:00:00.5Z"},
		{"rfc3339", "", "2025-11-25T10:00:00.123456789Z", "2025-11-25T10:00:00.123456789Z"},
		{"rfc3339", "", "2025-11-25T10:00:00.1234567899999Z", "2025-11-25T10:00:00.123456789Z"},
		{"rfc3339", "", "2025-11-25T10:00:00+01:30", "2025-11-25T08:30:00Z"},
		{"rfc3339", "", "2025-11-25T10:00:00.25-0130", "2025-11-25T11:30:00.25Z"},
		{"rfc3339", "", "2025-11-25 10:00:00+00", "2025-11-25T10:00:00Z"},
		{"rfc3339", "", "2025-11-25T10:00Z", "2025-11-25T10:00:00Z"},
		{"rfc3339", "", "2025-11-25T10:00", "2025-11-25T10:00:00Z"},
		{"rfc3339", "", "2025-11-25T10:00:00", "2025-11-25T10:00:00Z"},
		{"rfc3339", "Europe/Berlin", "2025-11-25T10:00:00", "2025-11-25T09:00:00Z"},
		{"rfc3339", "Europe/Berlin", "2025-11-25T10:00:00Z", "2025-11-25T10:00:00Z"},
		{"rfc3339", "", "2016-12-31T23:59:60Z", "2017-01-01T00:00:00Z"},
		{"rfc3339", "", "2016-12-31T23:59:60.5+00:00", "2017-01-01T00:00:00.5Z"},
		{"rfc3339", "", "1969-12-31T23:59:59.9999Z", "1969-12-31T23:59:59.9999Z"},
		{"rfc3339", "", "2024-02-29T00:00:00Z", "2024-02-29T00:00:00Z"},
		{"rfc3339", "", "2000-02-29T00:00:00Z", "2000-02-29T00:00:00Z"},
		{"rfc3339", "", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"},
		{"rfc3339", "", "9999-12-31T23:59:59.999999999Z", "9999-12-31T23:59:59.999999999Z"},
		{"rfc3339", "", "0001-01-01T00:00:00+00:01", ""},
		{"rfc3339", "", "9999-12-31T23:59:59-00:01", ""},
		{"rfc3339", "", "9999-12-31T23:59:60Z", ""},
		{"rfc3339", "", "0000-01-01T00:00:00Z", ""},
		{"rfc3339", "", "2025-02-29T00:00:00Z", ""},
		{"rfc3339", "", "1900-02-29T00:00:00Z", ""},
		{"rfc3339", "", "2025-13-01T00:00:00Z", ""},
		{"rfc3339", "", "2025-00-01T00:00:00Z", ""},
		{"rfc3339", "", "2025-11-00T00:00:00Z", ""},
		{"rfc3339", "", "2025-11-31T00:00:00Z", ""},
		{"rfc3339", "", "2025-11-25T24:00:00Z", ""},
		{"rfc3339", "", "2025-11-25T10:60:00Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:61Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:00.Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:00,5Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:00 Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:00+24:00", ""},
		{"rfc3339", "", "2025-11-25T10:00:00+01:60", ""},
		{"rfc3339", "", "2025-11-25T10:00:00+01:", ""},
		{"rfc3339", "", "2025-11-25T10:00:00+1", ""},
		{"rfc3339", "", "2025-11-25T10:00:0Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:", ""},
		{"rfc3339", "", "2025-11-25T10-00-00Z", ""},
		{"rfc3339", "", "2025:11-25T10:00:00Z", ""},
		{"rfc3339", "", "202x-11-25T10:00:00Z", ""},
		{"rfc3339", "", "2025-11-25_10:00:00Z", ""},
		{"rfc3339", "", "2025-11-25T10:00:00Zx", ""},
		{"rfc3339", "", "2025-11-25", ""},
		{"rfc3339", "", "", ""},
		{"rfc3339", "", " 2025-11-25T10:00:00Z", ""},

		{"epoch_s", "", "1764064800", "2025-11-25T10:00:00Z"},
		{"epoch_s", "", "1764064800.123456789", "2025-11-25T10:00:00.123456789Z"},
		{"epoch_s", "", "1.7640648005E9", "2025-11-25T10:00:00.5Z"},
		{"epoch_s", "", "17640648e2", "2025-11-25T10:00:00Z"},
		{"epoch_s", "", "1764064800000e-3", "2025-11-25T10:00:00Z"},
		{"epoch_s", "", "0", "1970-01-01T00:00:00Z"},
		{"epoch_s", "", "-0.0", "1970-01-01T00:00:00Z"},
		{"epoch_s", "", "0.000000001", "1970-01-01T00:00:00.000000001Z"},
		{"epoch_s", "", "1e-9", "1970-01-01T00:00:00.000000001Z"},
		{"epoch_s", "", "0.0000000019", "1970-01-01T00:00:00.000000001Z"},
		{"epoch_s", "", "-1", "1969-12-31T23:59:59Z"},
		{"epoch_s", "", "-0.5", "1969-12-31T23:59:59.5Z"},
		{"epoch_s", "", "-0.0000000001", "1969-12-31T23:59:59.999999999Z"},
		{"epoch_s", "", "-1e-400", "1969-12-31T23:59:59.999999999Z"},
		{"epoch_s", "", "253402300799.999", "9999-12-31T23:59:59.999Z"},
		{"epoch_s", "", "253402300800", ""},
		{"epoch_s", "", "-62135596800", "0001-01-01T00:00:00Z"},
		{"epoch_s", "", "-62135596800.1", ""},
		{"epoch_s", "", "1e400", ""},
		{"epoch_s", "", "1e99999999999999999999", ""},
		{"epoch_s", "", "01", ""},
		{"epoch_s", "", "+1", ""},
		{"epoch_s", "", "1.", ""},
		{"epoch_s", "", ".5", ""},
		{"epoch_s", "", "1e", ""},
		{"epoch_s", "", "1e+", ""},
		{"epoch_s", "", "-", ""},
		{"epoch_s", "", "", ""},
		{"epoch_s", "", " 1", ""},
		{"epoch_s", "", "1x", ""},
		{"epoch_ms", "", "1764064800123", "2025-11-25T10:00:00.123Z"},
		{"epoch_ms", "", "1764064800123.5", "2025-11-25T10:00:00.1235Z"},
		{"epoch_ms", "", "-1.5", "1969-12-31T23:59:59.9985Z"},
		{"epoch_us", "", "1764064800123456", "2025-11-25T10:00:00.123456Z"},
		{"epoch_us", "", "1", "1970-01-01T00:00:00.000001Z"},
		{"epoch_ns", "", "1764064800123456789", "2025-11-25T10:00:00.123456789Z"},
		{"epoch_ns", "", "17640648001234567890", "2529-01-04T04:00:01.23456789Z"},
		{"epoch_ns", "", "-1", "1969-12-31T23:59:59.999999999Z"},
		{"epoch", "", "1764064800", "2025-11-25T10:00:00Z"},
		{"epoch", "", "1764064800.5", "2025-11-25T10:00:00.5Z"},
		{"epoch", "", "99999999999", "5138-11-16T09:46:39Z"},
		{"epoch", "", "100000000000", "1973-03-03T09:46:40Z"},
		{"epoch", "", "1764064800123", "2025-11-25T10:00:00.123Z"},
		{"epoch", "", "1.764064800123E12", "2025-11-25T10:00:00.123Z"},
		{"epoch", "", "1764064800123456", "2025-11-25T10:00:00.123456Z"},
		{"epoch", "", "1764064800123456789", "2025-11-25T10:00:00.123456789Z"},
		{"epoch", "", "-1764064800123", "1914-02-06T13:59:59.877Z"},

		{"%Y-%m-%d", "", "2025-11-25", "2025-11-25T00:00:00Z"},
		{"%Y-%m-%d", "America/New_York", "2025-11-25", "2025-11-25T05:00:00Z"},
		{"%Y-%m-%d", "", "2025-1-5", "2025-01-05T00:00:00Z"},
		{"%Y-%m-%d", "", "25-1-5", ""},
		{"%Y-%m-%d", "", "2025-11-25 ", ""},
		{"%Y-%m-%d", "", "2025-02-30", ""},
		{"%Y%m%d%H%M%S", "", "20251125100000", "2025-11-25T10:00:00Z"},
		{"%d/%b/%Y:%H:%M:%S %z", "", "25/Nov/2025:10:00:00 +0100", "2025-11-25T09:00:00Z"},
		{"%d/%b/%Y:%T %z", "", "25/NOVEMBER/2025:10:00:00 Z", "2025-11-25T10:00:00Z"},
		{"%a, %d %b %Y %H:%M:%S %Z", "", "Tue, 25 Nov 2025 10:00:00 GMT", "2025-11-25T10:00:00Z"},
		{"%A %e %B %y", "", "tuesday  5 May 69", "1969-05-05T00:00:00Z"},
		{"%e.%m.%y", "", "25.11.68", "2068-11-25T00:00:00Z"},
		{"%b %d, %Y %I:%M %p", "", "Nov 25, 2025 12:05 am", "2025-11-25T00:05:00Z"},
		{"%b %d, %Y %I:%M %p", "", "Nov 25, 2025 12:05 PM", "2025-11-25T12:05:00Z"},
		{"%b %d, %Y %I:%M %p", "", "Nov 25, 2025 1:05 PM", "2025-11-25T13:05:00Z"},
		{"%b %d, %Y %I:%M %p", "", "Nov 25, 2025 13:05 PM", ""},
		{"%F %T.%f", "", "2025-11-25 10:00:00.25", "2025-11-25T10:00:00.25Z"},
		{"%F %T.%f", "", "2025-11-25 10:00:00.", ""},
		{"%FT%R", "Asia/Kolkata", "2025-11-25T10:00", "2025-11-25T04:30:00Z"},
		{"%D", "", "11/25/25", "2025-11-25T00:00:00Z"},
		{"%Y/%j", "", "2024/366", "2024-12-31T00:00:00Z"},
		{"%Y/%j", "", "2025/366", ""},
		{"%Y/%j", "", "2025/1", "2025-01-01T00:00:00Z"},
		{"%Y/%j", "", "2025/0", ""},
		{"%s", "", "1764064800", "2025-11-25T10:00:00Z"},
		{"t=%s.%f", "", "t=1764064800.5", "2025-11-25T10:00:00.5Z"},
		{"%s.%f", "", "-1.5", ""},
		{"%s.%f", "", "-0.5", ""},
		{"%s", "", "-1", "1969-12-31T23:59:59Z"},
		{"%Y%%%m%%%d", "", "2025%11%25", "2025-11-25T00:00:00Z"},
		{"%Y é %m-%d", "", "2025 é 11-25", "2025-11-25T00:00:00Z"},
		{"%F %T", "", "2016-12-31 23:59:60", "2017-01-01T00:00:00Z"},

		// 02:00–03:00 does not exist on 2025-03-30 and 02:00–03:00 is there twice on 2025-10-26.
		{"%F %T", "Europe/Berlin", "2025-03-30 01:59:59", "2025-03-30T00:59:59Z"},
		{"%F %T", "Europe/Berlin", "2025-03-30 02:00:00", "2025-03-30T01:00:00Z"},
		{"%F %T", "Europe/Berlin", "2025-03-30 02:30:00", "2025-03-30T01:30:00Z"},
		{"%F %T", "Europe/Berlin", "2025-03-30 03:00:00", "2025-03-30T01:00:00Z"},
		{"%F %T", "Europe/Berlin", "2025-10-26 01:59:59", "2025-10-25T23:59:59Z"},
		{"%F %T", "Europe/Berlin", "2025-10-26 02:30:00", "2025-10-26T00:30:00Z"},
		{"%F %T", "Europe/Berlin", "2025-10-26 02:59:59", "2025-10-26T00:59:59Z"},
		{"%F %T", "Europe/Berlin", "2025-10-26 03:00:00", "2025-10-26T02:00:00Z"},
		{"%F %T", "Europe/Berlin", "9000-07-01 02:00:00", "9000-07-01T00:00:00Z"},
		{"%F %T", "America/Sao_Paulo", "2018-11-04 00:30:00", "2018-11-04T03:30:00Z"},
		{"%F %T", "Pacific/Apia", "2011-12-30 12:00:00", "2011-12-30T22:00:00Z"},
	} {
		var loc *time.Location
		if c.zone != "" {
			loc = location(t, c.zone)
		}
		l, err := Compile(c.format, loc)
		if err != nil {
			t.Errorf("Compile(%q): %v", c.format, err)
			continue
		}
		ms, sub, ok := l.Parse([]byte(c.text))
		got := ""
		if ok {
			got = time.UnixMilli(ms).Add(time.Duration(sub)).UTC().Format(time.RFC3339Nano)
		}
		if got != c.want || sub < 0 || sub > 999999 {
			t.Errorf("%s %s: %q = %q (%d ms, %d ns), want %q", c.format, c.zone, c.text, got, ms, sub, c.want)
		}
	}
}

func TestCompileErrors(t *testing.T) {
	for _, c := range []struct {
		format string
		kind   error
		text   string
	}{
		{"", ErrFormat, "known are rfc3339"},
		{"RFC3339", ErrFormat, `"RFC3339"`},
		{"yyyy-MM-dd", ErrFormat, "layouts such as %Y-%m-%d"},
		{"%Y-%m-%d %Q", ErrDirective, `%Q in "%Y-%m-%d %Q"`},
		{"%Y-%m-%-d", ErrDirective, "%-"},
		{"%Y-%m-%d%", ErrLayout, "a percent sign ends it"},
		{"%m-%d", ErrLayout, "no year"},
		{"%Y-%d", ErrLayout, "no month"},
		{"%Y-%m", ErrLayout, "no day"},
		{"%Y %y %m %d", ErrLayout, "the year twice"},
		{"%F %d", ErrLayout, "the day twice"},
		{"%Y %j %m", ErrLayout, "beside a month or a day"},
		{"%F %I:%M", ErrLayout, "%I and %p need each other"},
		{"%F %H %p", ErrLayout, "%I and %p need each other"},
		{"%F %M", ErrLayout, "a minute needs an hour"},
		{"%F %H:%S", ErrLayout, "a second a minute"},
		{"%F %f", ErrLayout, "a fraction a second"},
		{"%s %Y", ErrLayout, "cannot stand beside a date"},
		{"%s %z", ErrLayout, "cannot stand beside a date"},
		{"%s %M", ErrLayout, "cannot stand beside a time of day"},
		{"%H:%M", ErrLayout, "no year"},
		{"100%%", ErrLayout, "no year"},
	} {
		_, err := Compile(c.format, nil)
		if !errors.Is(err, c.kind) || !strings.Contains(err.Error(), c.text) {
			t.Errorf("Compile(%q): %v, want %v with %q", c.format, err, c.kind, c.text)
		}
	}
}

func TestDate(t *testing.T) {
	for text, want := range map[string]string{
		"1970-01-01": "1970-01-01", "2025-11-25": "2025-11-25", "0001-01-01": "0001-01-01", "9999-12-31": "9999-12-31", "2024-02-29": "2024-02-29",
		"2023-02-29": "", "2025-1-01": "", "2025/01/01": "", "2025-01-01 ": "", "": "", "0000-01-01": "", "2025-0a-01": "",
	} {
		days, ok := Date([]byte(text))
		got := ""
		if ok {
			got = time.Unix(int64(days)*86400, 0).UTC().Format(time.DateOnly)
		}
		if got != want {
			t.Errorf("Date(%q) = %q, want %q", text, got, want)
		}
	}
	for _, c := range []struct{ format, zone, text, want string }{
		{"%d.%m.%Y", "", "25.11.2025", "2025-11-25"},
		{"rfc3339", "", "2025-11-25T23:30:00-05:00", "2025-11-25"},
		{"%F %T %z", "", "2025-11-25 23:30:00 -0500", "2025-11-25"},
		{"%F", "Asia/Tokyo", "2025-11-25", "2025-11-25"},
		{"epoch_s", "", "1764064800", "2025-11-25"},
		{"epoch_s", "Asia/Tokyo", "1764090000", "2025-11-26"},
		{"%s", "Asia/Tokyo", "1764090000", "2025-11-26"},
		{"epoch_s", "", "-1", "1969-12-31"},
		{"epoch_s", "", "x", ""},
		{"%F", "", "x", ""},
		{"rfc3339", "", "x", ""},
	} {
		var loc *time.Location
		if c.zone != "" {
			loc = location(t, c.zone)
		}
		l, err := Compile(c.format, loc)
		if err != nil {
			t.Fatal(err)
		}
		days, ok := l.Date([]byte(c.text))
		got := ""
		if ok {
			got = time.Unix(int64(days)*86400, 0).UTC().Format(time.DateOnly)
		}
		if got != c.want {
			t.Errorf("%s %s: Date(%q) = %q, want %q", c.format, c.zone, c.text, got, c.want)
		}
	}
}

// TestZones holds the table of offsets against package time, over all years and at every change.
func TestZones(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for _, name := range []string{"UTC", "Europe/Berlin", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe", "Africa/Casablanca", "Europe/Dublin", "Pacific/Apia", "America/Sao_Paulo", "Asia/Gaza"} {
		loc := location(t, name)
		z := newZone(loc)
		check := func(utc int64) {
			tm := time.Unix(utc, 0).In(loc)
			_, off := tm.Zone()
			if got := z.at(utc); got != int64(off) {
				t.Fatalf("%s: offset at %v is %d, want %d", name, tm, got, off)
			}
			wall := utc + int64(off)
			if got := z.toUTC(wall); got != utc {
				// Only a wall-clock time that is there twice may give another, earlier instant.
				again := time.Unix(got, 0).In(loc)
				if _, o := again.Zone(); got > utc || got+int64(o) != wall {
					t.Fatalf("%s: %v gives %v", name, tm, again)
				}
			}
		}
		for range 3000 {
			check(newYear(1)*86400 + 86400 + r.Int64N((newYear(9999)-newYear(1))*86400))
		}
		for _, at := range z.utc[1:] {
			for d := int64(-7200); d <= 7200; d += 900 {
				check(at + d)
				check(at + d - 1)
			}
		}
	}
}

// TestEpochExact holds parseEpoch against exact rational arithmetic.
func TestEpochExact(t *testing.T) {
	r := rand.New(rand.NewPCG(3, 4))
	units := map[string]int64{EpochS: 1e9, EpochMS: 1e6, EpochUS: 1e3, EpochNS: 1}
	for format, unit := range units {
		l, err := Compile(format, nil)
		if err != nil {
			t.Fatal(err)
		}
		for range 3000 {
			text := strconv.FormatInt(r.Int64N(1<<uint(1+r.IntN(62))), 10)
			if r.IntN(2) == 0 {
				text = "-" + text
			}
			if r.IntN(2) == 0 {
				text += "." + strconv.FormatInt(r.Int64N(1<<uint(1+r.IntN(50))), 10)
			}
			if r.IntN(3) == 0 {
				text += "e" + strconv.Itoa(r.IntN(40)-20)
			}
			v, ok := new(big.Rat).SetString(text)
			if !ok {
				t.Fatal(text)
			}
			v.Mul(v, big.NewRat(unit, 1))
			ns := new(big.Int).Div(v.Num(), v.Denom()) // floors, the denominator is positive
			q, m := new(big.Int).DivMod(ns, big.NewInt(1e6), new(big.Int))
			in := q.IsInt64() && q.Int64() >= minMS && q.Int64() <= maxMS
			ms, sub, ok := l.Parse([]byte(text))
			if ok != in || ok && (ms != q.Int64() || int64(sub) != m.Int64()) {
				t.Fatalf("%s %q = %d, %d, %v; want %s, %s, %v", format, text, ms, sub, ok, q, m, in)
			}
		}
	}
}

func TestNoAllocation(t *testing.T) {
	berlin := location(t, "Europe/Berlin")
	for format, text := range map[string]string{
		"rfc3339": "2025-11-25T10:00:00.123", "epoch": "1764064800.123", "%d/%b/%Y:%H:%M:%S": "25/Nov/2025:10:00:00",
	} {
		l, err := Compile(format, berlin)
		if err != nil {
			t.Fatal(err)
		}
		b := []byte(text)
		if n := testing.AllocsPerRun(100, func() {
			if _, _, ok := l.Parse(b); !ok {
				t.Fatal(text)
			}
		}); n != 0 {
			t.Errorf("%s: %v allocations", format, n)
		}
	}
}

// FuzzRFC3339 holds Parse against time.Parse: what that takes for RFC 3339 must be taken, with the same value.
func FuzzRFC3339(f *testing.F) {
	for _, s := range []string{"2025-11-25T10:00:00Z", "2025-11-25T10:00:00.123456789+05:30", "2024-02-29T23:59:59.9-00:00", "2025-11-25 10:00", "0001-01-01T00:00:00Z"} {
		f.Add(s)
	}
	l, err := Compile(RFC3339, nil)
	if err != nil {
		f.Fatal(err)
	}
	f.Fuzz(func(t *testing.T, s string) {
		ms, sub, ok := l.Parse([]byte(s))
		want, err := time.Parse(time.RFC3339Nano, s)
		// time.Parse takes a comma for the point, hours of one digit and offsets of 24 hours; we do not.
		strict := err == nil && !strings.Contains(s, ",") && len(s) > 19 && s[13] == ':' && s[16] == ':' && !strings.Contains(s[19:], "+24") && !strings.Contains(s[19:], "-24") && !strings.Contains(s[19:], ":60")
		if strict && want.Year() >= 1 && want.UTC().Year() >= 1 && want.UTC().Year() <= 9999 && !ok {
			t.Fatalf("%q refused", s)
		}
		if !ok {
			return
		}
		if ms < minMS || ms > maxMS || sub < 0 || sub > 999999 {
			t.Fatalf("%q = %d, %d", s, ms, sub)
		}
		if err == nil && !time.UnixMilli(ms).Add(time.Duration(sub)).Equal(want) {
			t.Fatalf("%q = %v, want %v", s, time.UnixMilli(ms).Add(time.Duration(sub)).UTC(), want.UTC())
		}
	})
}

// FuzzLayout: a layout that compiles never panics, and keeps its bounds.
func FuzzLayout(f *testing.F) {
	f.Add("%Y-%m-%d", "2025-11-25")
	f.Add("%d/%b/%Y:%T %z", "25/Nov/2025:10:00:00 +0100")
	f.Add("%A %e %B %y %I:%M:%S.%f %p %Z", "tue 5 may 99 1:00:00.5 pm utc")
	f.Add("epoch", "1764064800.123e2")
	f.Fuzz(func(t *testing.T, format, text string) {
		l, err := Compile(format, nil)
		if err != nil {
			return
		}
		ms, sub, ok := l.Parse([]byte(text))
		if ok && (ms < minMS || ms > maxMS || sub < 0 || sub > 999999) {
			t.Fatalf("%q %q = %d, %d", format, text, ms, sub)
		}
		l.Date([]byte(text))
	})
}

func BenchmarkParse(b *testing.B) {
	berlin := location(b, "Europe/Berlin")
	for _, c := range []struct {
		name, format, text string
		zone               *time.Location
	}{
		{"rfc3339", "rfc3339", "2025-11-25T10:00:00Z", nil},
		{"rfc3339-ms", "rfc3339", "2025-11-25T10:00:00.123Z", nil},
		{"rfc3339-offset", "rfc3339", "2025-11-25T10:00:00.123+01:00", nil},
		{"rfc3339-berlin", "rfc3339", "2025-11-25T10:00:00.123", berlin},
		{"epoch_ms", "epoch_ms", "1764064800123", nil},
		{"epoch", "epoch", "1764064800.123", nil},
		{"layout", "%d/%b/%Y:%H:%M:%S %z", "25/Nov/2025:10:00:00 +0000", nil},
	} {
		b.Run(c.name, func(b *testing.B) {
			l, err := Compile(c.format, c.zone)
			if err != nil {
				b.Fatal(err)
			}
			text := []byte(c.text)
			b.ReportAllocs()
			for b.Loop() {
				l.Parse(text)
			}
		})
	}
}
