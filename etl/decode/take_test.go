package decode

import (
	"fmt"
	"math"
	"math/rand/v2"
	"regexp"
	"strings"
	"testing"

	"datalake/pkg/jsontext"
)

var plainNumber = regexp.MustCompile(`^(-?(0|[1-9][0-9]{0,14})|"-?(0|[1-9][0-9]{0,14})"|-?(0|[1-9][0-9]{0,7})\.[0-9]{1,7})$`)

// checkNumber holds number against the conversions of jsontext. It may leave numbers to them, but plain ones.
func checkNumber(t *testing.T, text string) {
	t.Helper()
	b := jsontext.Pad([]byte(text))
	m, e, negative, end := number(b, 0)
	if end == 0 {
		if plainNumber.MatchString(text) {
			t.Fatalf("%q is left", text)
		}
		return
	}
	text = text[:end] // what follows, others look at
	if e == 0 && strings.ContainsAny(text, ".eE") {
		t.Fatalf("%q was taken for a plain whole number, and inference would not hear of it", text)
	}
	if text[0] == '"' {
		if text[len(text)-1] != '"' {
			t.Fatalf("%q: the quote is missing", text)
		}
		text = text[1 : len(text)-1]
	}
	f := float64(m)
	if e < 0 {
		f /= pow10[-e]
	} else {
		f *= pow10[e]
	}
	i := int64(m)
	if negative {
		f, i = math.Copysign(f, -1), -i
	}
	want, exact, ok := jsontext.Float64([]byte(text))
	if !ok || !exact || math.Float64bits(f) != math.Float64bits(want) {
		t.Fatalf("%q is %v, want %v, %v, %v", text, f, want, exact, ok)
	}
	if n, ok := jsontext.Int64([]byte(text)); e == 0 && (!ok || n != i) {
		t.Fatalf("%q is %d, want %d, %v", text, i, n, ok)
	}
}

func TestNumber(t *testing.T) {
	digits := []string{"", "0", "00", "5", "05", "10", "1234567", "12345678", "123456789", "99999999", "999999999999999", "1000000000000000", "12345678901234567", "123456789012345678901"}
	for _, whole := range digits {
		for _, part := range append(digits, "000000000000001", "50", "000") {
			for _, exp := range []string{"", "e0", "E+2", "e-3", "e22", "e-22", "e23", "e-023", "e", "e+", "e100", "e007"} {
				for _, form := range []string{"%s.%s%s", "-%s.%s%s", `"%s.%s%s"`, "%s%.0s%s", "-%s%.0s%s", `"-%s%.0s%s"`, "%s.%s%s,", `"%s%.0s%s`, `"%s.%s%s\n"`} {
					checkNumber(t, fmt.Sprintf(form, whole, part, exp))
				}
			}
		}
	}
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-12.50", "1e5", `"81"`, "123456789012345", "0.000000000000001e22", "9999999999999999", "1.", "+1"} {
		f.Add(s)
	}
	f.Fuzz(checkNumber)
}

// A key is found if and only if it is one of the kids', and where it ends.
func TestKeys(t *testing.T) {
	r := rand.New(rand.NewPCG(2, 2))
	word := func() string {
		s := "a" + strings.Repeat(string(rune('a'+r.IntN(2))), r.IntN(20)) + strings.Repeat("é", r.IntN(2)) + string(rune('a'+r.IntN(2)))
		return s[r.IntN(2):]
	}
	for n := range 300 {
		kids := map[string]*node{}
		for range n % 61 {
			key := word()
			kids[key] = &node{key: key}
		}
		kids["a\xff"] = &node{key: "a\xff"}
		if n%2 == 0 {
			kids[""] = &node{}
		}
		k := newKeys(kids)
		all := []string{"", "a\xff", `a\n`, "a\x01", "12345678", "1234567812345678", "12345678x12345678", "12345678y12345678"}
		for range 200 {
			all = append(all, word())
		}
		for key := range kids {
			all = append(all, key)
		}
		for _, key := range all {
			want := kids[key]
			if key == "a\xff" {
				want = nil
			}
			kid, end := k.find(jsontext.Pad([]byte(`{"`+key+`":1`)), 2)
			if kid != want || want != nil && end != len(key)+3 {
				t.Fatalf("%q in %d kids: %v, %d", key, len(kids), kid, end)
			}
			if kid, _ := k.find(jsontext.Pad([]byte(`{"`+key)), 2); kid != nil {
				t.Fatalf("%q is found without its quote", key)
			}
		}
	}
}

// Runs of nulls are the bits that they stand for, also where values are taken back.
func TestNulls(t *testing.T) {
	r := rand.New(rand.NewPCG(4, 4))
	for range 200 {
		v := &vector{}
		var want []bool // valid
		for range r.IntN(60) {
			switch r.IntN(4) {
			case 0:
				v.n++
				want = append(want, true)
			case 1:
				n := v.n + r.IntN(20)
				v.pad(n)
				for len(want) < n {
					want = append(want, false)
				}
			case 2:
				v.null()
				want = append(want, false)
			case 3:
				n := len(want) - r.IntN(min(len(want)+1, 30))
				v.truncate(n)
				want = want[:n]
			}
		}
		bits := make([]byte, (v.n+7)/8)
		v.validity(bits)
		nulls, next := 0, 0
		for from, to := range values(v.nulls, v.n) {
			for ; next < to; next++ {
				if next >= from != want[next] {
					t.Fatalf("value %d of %v: valid from %d to %d", next, want, from, to)
				}
			}
		}
		for i := range 8 * len(bits) {
			valid := i < v.n && want[i]
			if bits[i/8]>>(i%8)&1 == 1 != valid {
				t.Fatalf("bit %d of %v: %b", i, want, bits)
			}
			if i < v.n && !valid {
				nulls++
			}
		}
		if v.nullCount() != nulls || v.n != len(want) {
			t.Fatalf("%d nulls of %d, want %d of %d", v.nullCount(), v.n, nulls, len(want))
		}
	}
}
