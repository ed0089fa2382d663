package timeparse

import "encoding/binary"

// moment is what a text says before zone and epoch are applied.
type moment struct {
	has                  uint32 // a bit for each part that was read
	days                 int64  // since 1970
	year, month, day     int
	yday                 int
	hour, minute, second int
	pm                   bool
	ns                   int32 // of the second
	offset               int   // seconds east of UTC
	epoch                int64 // seconds
}

// fastRFC3339 reads YYYY-MM-DDTHH:MM:SS[.f…]Z, T or space, eight bytes at a time. It says no to every other spelling and
// to what is no time; the caller then goes the slow way.
//
// Bytes less their expected zero ('0', or the separator itself) are at most 9 where digits stand and 0 where separators
// do; adding 0x76 and 0x7f carries into the high bit of every byte that is more. No date is cached: daysOf costs 2 ns.
func fastRFC3339(t []byte) (int64, int32, bool) {
	n := len(t)
	if n < 20 || t[n-1] != 'Z' {
		return 0, 0, false
	}
	const (
		zero1  = 0x2d30302d30303030 // 0000-00-
		limit1 = 0x7f76767f76767676
		zero2  = 0x30303a3030543030 // 00T00:00
		limit2 = 0x76767f76767f7676
		high   = 0x8080808080808080
	)
	a := binary.LittleEndian.Uint64(t) ^ zero1
	b := binary.LittleEndian.Uint64(t[8:])
	b = b&^(0xff<<16) ^ (zero2 &^ (0xff << 16))
	if ((a+limit1)|a|(b+limit2)|b)&high != 0 || t[10] != 'T' && t[10] != ' ' || t[16] != ':' {
		return 0, 0, false
	}
	s1, s0 := t[17]-'0', t[18]-'0'
	if s1 > 5 || s0 > 9 {
		return 0, 0, false
	}
	// Each even digit times ten plus its neighbour: one multiplication pairs all of them.
	p := a*10 + a>>8
	q := b*10 + b>>8
	year := int(p&0xff)*100 + int(p>>16&0xff)
	month := int(p >> 40 & 0xff)
	day := int(q & 0xff)
	hour := int(q >> 24 & 0xff)
	minute := int(q >> 48 & 0xff)
	if hour > 23 || minute > 59 {
		return 0, 0, false
	}
	days, ok := daysOf(year, month, day)
	if !ok {
		return 0, 0, false
	}
	ms := (days*86400 + int64(hour*3600+minute*60) + int64(s1)*10 + int64(s0)) * 1000
	if n == 20 {
		return ms, 0, true
	}
	if t[19] != '.' || n == 21 {
		return 0, 0, false
	}
	ns, ok := fraction(t[20 : n-1])
	if !ok {
		return 0, 0, false
	}
	return ms + int64(ns/1e6), ns % 1e6, true
}

// rfc3339 reads all of t, in every spelling that the package allows.
func (m *moment) rfc3339(t []byte) bool {
	if len(t) < 16 || t[10] != 'T' && t[10] != 't' && t[10] != ' ' || t[13] != ':' {
		return false
	}
	d, ok1 := Date(t[:10])
	h, ok2 := two(t, 11)
	mi, ok3 := two(t, 14)
	if !(ok1 && ok2 && ok3) || h > 23 || mi > 59 {
		return false
	}
	m.days, m.hour, m.minute = int64(d), h, mi
	i := 16
	if i < len(t) && t[i] == ':' {
		if len(t) < 19 {
			return false
		}
		s, ok := two(t, 17)
		if !ok || s > 60 {
			return false
		}
		m.second, i = s, 19
		if i < len(t) && t[i] == '.' {
			e := i + 1
			for e < len(t) && t[e]-'0' <= 9 {
				e++
			}
			if m.ns, ok = fraction(t[i+1 : e]); !ok {
				return false
			}
			i = e
		}
	}
	if i == len(t) {
		return true
	}
	off, n, ok := offset(t[i:])
	if !ok || i+n != len(t) {
		return false
	}
	m.offset = off
	m.has |= 1 << partOffset
	return true
}

// offset reads Z, z, ±hh:mm, ±hhmm or ±hh at the front of t and gives its seconds and its length.
func offset(t []byte) (seconds, n int, ok bool) {
	if len(t) == 0 {
		return 0, 0, false
	}
	if t[0] == 'Z' || t[0] == 'z' {
		return 0, 1, true
	}
	if len(t) < 3 || t[0] != '+' && t[0] != '-' {
		return 0, 0, false
	}
	h, ok := two(t, 1)
	if !ok || h > 23 {
		return 0, 0, false
	}
	n = 3
	rest := 3
	if len(t) > 3 && t[3] == ':' {
		rest = 4
	}
	m := 0
	if rest+2 <= len(t) {
		if v, ok := two(t, rest); ok {
			m, n = v, rest+2
		}
	}
	if m > 59 {
		return 0, 0, false
	}
	seconds = h*3600 + m*60
	if t[0] == '-' {
		seconds = -seconds
	}
	return seconds, n, true
}

// fraction gives the nanoseconds that the digits after a point mean; digits beyond the ninth are read and dropped.
func fraction(t []byte) (ns int32, ok bool) {
	if len(t) == 0 {
		return 0, false
	}
	for i, c := range t {
		if c -= '0'; c > 9 {
			return 0, false
		} else if i < 9 {
			ns = ns*10 + int32(c)
		}
	}
	if len(t) < 9 {
		ns *= pow10[9-len(t)]
	}
	return ns, true
}

var pow10 = [10]int32{1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9}

// two reads two digits at t[i:], which must be there.
func two(t []byte, i int) (int, bool) {
	a, b := t[i]-'0', t[i+1]-'0'
	return int(a)*10 + int(b), a <= 9 && b <= 9
}

// before[m] is the days of a common year before month m+1.
var before = [13]int{0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304, 334, 365}

func leap(y int) bool { return y%4 == 0 && (y%100 != 0 || y%400 == 0) }

// daysOf gives the days since 1970 of a date in the years 1 to 9999; ok is false for a date that does not exist.
func daysOf(y, m, d int) (days int64, ok bool) {
	if uint(m-1) > 11 || y < 1 || d < 1 {
		return 0, false
	}
	n := before[m-1]
	last := before[m] - n
	if m >= 2 && leap(y) {
		if m == 2 {
			last++
		} else {
			n++
		}
	}
	if d > last {
		return 0, false
	}
	return newYear(y) + int64(n+d-1), true
}

// newYear gives the days since 1970 of January 1 of a year.
func newYear(y int) int64 {
	y--
	return int64(y*365+y/4-y/100+y/400) - 719162
}
