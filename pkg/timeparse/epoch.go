package timeparse

// parseEpoch reads a JSON number whose value times 10^shift is milliseconds since 1970. byMagnitude chooses the shift by
// the digits before the point.
//
// It works on the decimal digits, so that nothing is rounded: those before the millisecond's point are ms, the next six
// are nanoseconds, the rest only matters for flooring a negative number.
func parseEpoch(t []byte, shift int, byMagnitude bool) (int64, int32, bool) {
	i, negative := 0, false
	if len(t) > 0 && t[0] == '-' {
		i, negative = 1, true
	}
	// Integer digits t[i:point], fraction digits t[frac:end].
	whole := i
	for i < len(t) && t[i]-'0' <= 9 {
		i++
	}
	point := i
	if point == whole || t[whole] == '0' && point > whole+1 {
		return 0, 0, false
	}
	frac := i
	if i < len(t) && t[i] == '.' {
		i++
		frac = i
		for i < len(t) && t[i]-'0' <= 9 {
			i++
		}
		if i == frac {
			return 0, 0, false
		}
	}
	end := i
	exp := 0
	if i < len(t) && t[i]|0x20 == 'e' {
		i++
		minus := false
		if i < len(t) && (t[i] == '+' || t[i] == '-') {
			minus = t[i] == '-'
			i++
		}
		first := i
		for i < len(t) && t[i]-'0' <= 9 {
			if exp < 1e6 {
				exp = exp*10 + int(t[i]-'0')
			}
			i++
		}
		if i == first {
			return 0, 0, false
		}
		if minus {
			exp = -exp
		}
	}
	if i != len(t) {
		return 0, 0, false
	}
	// The significant digits are t[from:point] and t[frac:end] without leading zeros; places is how many of them stand
	// before the point of the value.
	places := point - whole + exp
	from := whole
	for from < end && (t[from] == '0' || t[from] == '.') {
		if t[from] == '0' {
			places--
		}
		from++
	}
	if from == end {
		return 0, 0, true
	}
	if byMagnitude {
		switch {
		case places <= 11:
			shift = 3
		case places <= 14:
			shift = 0
		case places <= 17:
			shift = -3
		default:
			shift = -6
		}
	}
	places += shift
	if places > 15 {
		return 0, 0, false
	}
	var ms int64
	var sub int32
	var rest bool
	k := 0
	if places < 0 {
		k = min(-places, 7)
		places = 0
		// Zeros between the point and the first digit; they are k of the six nanosecond digits.
		if k > 6 {
			rest, from = true, end
		}
	}
	for ; from < end; from++ {
		c := t[from] - '0'
		if c > 9 {
			continue // the point
		}
		switch {
		case places > 0:
			ms = ms*10 + int64(c)
			places--
		case k < 6:
			sub = sub*10 + int32(c)
			k++
		case c != 0:
			rest = true
		}
	}
	for ; places > 0; places-- {
		ms *= 10
	}
	for ; k < 6; k++ {
		sub *= 10
	}
	if negative {
		ms = -ms
		if rest {
			sub++
		}
		if sub > 0 {
			ms--
			sub = 1e6 - sub
		}
	}
	return inRange(ms, sub)
}
