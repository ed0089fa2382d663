package timeparse

import "encoding/binary"

// Quick reads the time at p of b, at least 32 bytes before its end, if it is written in one of the widths that programs write:
// YYYY-MM-DDTHH:MM:SS, .mmm or no fraction, Z or ±hh:mm. end is the position after it and ms the milliseconds since 1970, as Parse of
// RFC3339 has them. end 0 tells that it is written in another way, or is no time: then Parse decides. What follows is not
// looked at.
//
// The end of the text need not be known, so that it is not searched for: 6 ns with Z and 8 with an offset, where search and
// Parse take 12 and 27.
//
// Bytes less their expected zero ('0', or the separator itself) are at most 9 where digits stand and 0 where separators
// do; adding 0x76 and 0x7f carries into the high bit of every byte that is more.
func Quick(b []byte, p int) (ms int64, end int) {
	t := b[p : p+32]
	const (
		date, dateOver   = 0x2d30302d30303030, 0x7f76767f76767676 // 0000-00-
		clock, clockOver = 0x30303a3030543030, 0x76767f76767f7676 // 00T00:00
		high             = 0x8080808080808080
	)
	a := binary.LittleEndian.Uint64(t) ^ date
	c := binary.LittleEndian.Uint64(t[8:])
	if t[10] == ' ' {
		c ^= ' '<<16 ^ 'T'<<16
	}
	c ^= clock
	s1, s0 := t[17]-'0', t[18]-'0'
	if ((a+dateOver)|a|(c+clockOver)|c)&high != 0 || t[16] != ':' || s1 > 5 || s0 > 9 {
		return 0, 0
	}
	// Each even digit times ten plus its neighbour: one multiplication pairs all of them.
	y, h := a*10+a>>8, c*10+c>>8
	hour, minute := int64(h>>24&0xff), int64(h>>48&0xff)
	days, ok := daysOf(int(y&0xff)*100+int(y>>16&0xff), int(y>>40&0xff), int(h&0xff))
	if !ok || hour > 23 || minute > 59 {
		return 0, 0
	}
	ms = (days*86400 + hour*3600 + minute*60 + int64(s1)*10 + int64(s0)) * 1000
	i := 19
	if t[i] == '.' {
		f1, f2, f3 := t[20]-'0', t[21]-'0', t[22]-'0'
		if f1 > 9 || f2 > 9 || f3 > 9 {
			return 0, 0
		}
		ms += int64(f1)*100 + int64(f2)*10 + int64(f3)
		i = 23
	}
	if t[i] == 'Z' {
		return ms, p + i + 1
	}
	if t[i] != '+' && t[i] != '-' || t[i+3] != ':' {
		return 0, 0
	}
	h1, h0, m1, m0 := t[i+1]-'0', t[i+2]-'0', t[i+4]-'0', t[i+5]-'0'
	hour = int64(h1)*10 + int64(h0)
	if h0 > 9 || hour > 23 || m1 > 5 || m0 > 9 {
		return 0, 0
	}
	offset := (hour*60 + int64(m1)*10 + int64(m0)) * 60_000
	if t[i] == '+' {
		offset = -offset
	}
	if ms, _, ok = inRange(ms+offset, 0); !ok {
		return 0, 0
	}
	return ms, p + i + 6
}
