package jsontext

import (
	"bytes"
	"encoding/json"
	"errors"
	"math"
	"math/big"
	"math/rand/v2"
	"strconv"
	"strings"
	"testing"
	"unicode/utf8"
)

func TestErrors(t *testing.T) {
	for _, c := range []struct {
		text, rule, reason string
		offset             int
	}{
		{`{"a":1,}`, "json", "'}' where a quoted key should stand", 7},
		{`{"a" 1}`, "json", "'1' where a colon should stand", 5},
		{`[1 2]`, "json", "'2' where a comma or ] should stand", 3},
		{`{"a":1`, "json", "text ends where a comma or } should stand", 6},
		{`{"a":`, "json", "text ends where a value should stand", 5},
		{`nul`, "json", "'n' where a value should stand", 0},
		{"\x00", "json", "byte 0x00 where a value should stand", 0},
		{`1 2`, "json", "'2' where the end of the text should stand", 2},
		{`01`, "json", "number with a leading zero", 1},
		{`-`, "json", "text ends where a digit should stand", 1},
		{`1.e5`, "json", "'e' where a digit should stand", 2},
		{`"a`, "json", "text ends inside a string", 2},
		{`"a\`, "json", "text ends where the end of an escape should stand", 3},
		{`"\q"`, "json", "invalid escape in a string", 1},
		{"\"a\tb\"", "json", "control character in a string", 2},
		{"\"\x00\"", "json", "control character in a string", 1},
		{"\"0123456789\xff\"", "encoding", "invalid UTF-8", 11},
		{`"\ud800"`, "encoding", "escape of a lone surrogate", 1},
		{`["\udc00\ud800"]`, "encoding", "escape of a lone surrogate", 2},
		{strings.Repeat("[", 513), "depth", "nested too deep", 512},
		{strings.Repeat(`{"":`, 513), "depth", "nested too deep", 2048},
	} {
		err := Limits{}.Valid([]byte(c.text))
		var e *Error
		if !errors.As(err, &e) || e.Rule() != c.rule || e.Offset != c.offset || e.Reason != c.reason {
			t.Errorf("%.40q: %+v, want %s, %q at %d", c.text, err, c.rule, c.reason, c.offset)
		}
	}
}

func TestDepth(t *testing.T) {
	for _, max := range []int{1, 63, 64, 65, 512, 513, 10000} {
		for _, open := range []string{"[", `{"k":`} {
			closing := map[string]string{"[": "]", `{"k":`: "}"}[open]
			nest := func(n int) []byte {
				return []byte(strings.Repeat(open, n-1) + `[0]` + strings.Repeat(closing, n-1))
			}
			l := Limits{MaxDepth: max}
			if err := l.Valid(nest(max)); err != nil {
				t.Errorf("depth %d: %v", max, err)
			}
			if _, err := l.Hash(Pad(nest(max)), 0); err != nil {
				t.Errorf("hash at depth %d: %v", max, err)
			}
			if err := l.Valid(nest(max + 1)); err == nil {
				t.Errorf("depth %d accepted with limit %d", max+1, max)
			}
		}
	}
}

func TestNumbers(t *testing.T) {
	for _, c := range []struct {
		text     string
		i        int64
		isInt    bool
		f        float64
		exact    bool
		isDouble bool
	}{
		{"0", 0, true, 0, true, true},
		{"-0", 0, true, math.Copysign(0, -1), true, true},
		{"-0.0e7", 0, true, math.Copysign(0, -1), true, true},
		{"0e99999999999999999999", 0, true, 0, true, true},
		{"81", 81, true, 81, true, true},
		{"81.0", 81, true, 81, true, true},
		{"8.1e1", 81, true, 81, true, true},
		{"8100E-2", 81, true, 81, true, true},
		{"81.5", 0, false, 81.5, true, true},
		{"9223372036854775807", math.MaxInt64, true, math.MaxInt64, false, true},
		{"-9223372036854775808", math.MinInt64, true, math.MinInt64, false, true},
		{"-9223372036854775809", 0, false, math.MinInt64, false, true},
		{"9223372036854775808", 0, false, 1 << 63, false, true},
		{"10000000000000000000", 0, false, 1e19, true, true},
		{"1e18", 1e18, true, 1e18, true, true},
		{"1e19", 0, false, 1e19, true, true},
		{"0.1", 0, false, 0.1, true, true},
		{"0.10000000000000000555", 0, false, 0.1, false, true},
		{"0.30000000000000004", 0, false, 0.30000000000000004, true, true},
		{"123456789012345.6", 0, false, 123456789012345.6, true, true},
		{"1234567890123456.78", 0, false, 1234567890123456.78, false, true},
		{"9007199254740993", 9007199254740993, true, 9007199254740992, false, true},
		{"1e400", 0, false, 0, false, false},
		{"-1e400", 0, false, 0, false, false},
		{"1e-400", 0, false, 0, false, true},
		{"5e-324", 0, false, 5e-324, true, true},
		{"4e-324", 0, false, 5e-324, false, true},
		{"1e99999999999999999999", 0, false, 0, false, false},
		{"032", 0, false, 0, false, false},
		{"-01", 0, false, 0, false, false},
		{" 5", 0, false, 0, false, false},
		{"5 ", 0, false, 0, false, false},
		{"+5", 0, false, 0, false, false},
		{".5", 0, false, 0, false, false},
		{"5.", 0, false, 0, false, false},
		{"-", 0, false, 0, false, false},
		{"", 0, false, 0, false, false},
		{"1e", 0, false, 0, false, false},
		{"1e+", 0, false, 0, false, false},
		{"NaN", 0, false, 0, false, false},
		{"Infinity", 0, false, 0, false, false},
		{"0x10", 0, false, 0, false, false},
		{"1_000", 0, false, 0, false, false},
		{"1.2.3", 0, false, 0, false, false},
	} {
		if i, ok := Int64([]byte(c.text)); i != c.i || ok != c.isInt {
			t.Errorf("Int64(%q) = %d, %v", c.text, i, ok)
		}
		f, exact, ok := Float64([]byte(c.text))
		if math.Float64bits(f) != math.Float64bits(c.f) || exact != c.exact || ok != c.isDouble {
			t.Errorf("Float64(%q) = %v, %v, %v", c.text, f, exact, ok)
		}
	}
	for text, want := range map[string]struct {
		f         float32
		exact, ok bool
	}{
		"0.1": {0.1, true, true}, "16777217": {16777216, false, true}, "1e39": {0, false, false}, "3.4028235e38": {math.MaxFloat32, true, true},
		"21.50": {21.5, true, true}, "x": {0, false, false},
	} {
		if f, exact, ok := Float32([]byte(text)); f != want.f || exact != want.exact || ok != want.ok {
			t.Errorf("Float32(%q) = %v, %v, %v", text, f, exact, ok)
		}
	}
}

func TestDecimal128(t *testing.T) {
	for _, c := range []struct {
		text             string
		precision, scale int
		want             string // unscaled; empty: does not fit
	}{
		{"0", 1, 0, "0"},
		{"-0.00", 5, 2, "0"},
		{"1.5", 2, 1, "15"},
		{"1.50", 2, 1, "15"},
		{"1.55", 5, 1, ""},
		{"-12.3e1", 5, 2, "-12300"},
		{"99999999999999999999999999999999999999", 38, 0, "99999999999999999999999999999999999999"},
		{"-99999999999999999999999999999999999999", 38, 0, "-99999999999999999999999999999999999999"},
		{"100000000000000000000000000000000000000", 38, 0, ""},
		{"1e37", 38, 0, "10000000000000000000000000000000000000"},
		{"1e38", 38, 0, ""},
		{"1e-38", 38, 38, "1"},
		{"123.45", 5, 2, "12345"},
		{"1234.5", 5, 2, ""},
		{"12.", 5, 2, ""},
	} {
		n, ok := Decimal128([]byte(c.text), c.precision, c.scale)
		if ok != (c.want != "") || ok && n.BigInt().String() != c.want {
			t.Errorf("Decimal128(%s, %d, %d) = %s, %v; want %q", c.text, c.precision, c.scale, n.BigInt(), ok, c.want)
		}
	}
}

// checkNumber holds the conversions of a valid number against math/big and strconv.
func checkNumber(t *testing.T, text string) {
	t.Helper()
	d, ok := ParseDecimal([]byte(text))
	if !ok || d.Len() == 0 || d.Exponent > 5000 || d.Exponent < -5000 { // big.Rat is slow on, or refuses, others
		return
	}
	want, ok := new(big.Rat).SetString(text)
	if !ok {
		t.Fatalf("big.Rat cannot read %q", text)
	}
	if got, ok := new(big.Rat).SetString(string(d.Append(nil))); !ok || got.Cmp(want) != 0 {
		t.Errorf("%s: canonical spelling %s", text, d.Append(nil))
	}
	i, ok := Int64([]byte(text))
	if fits := want.IsInt() && want.Num().IsInt64(); ok != fits || fits && i != want.Num().Int64() {
		t.Errorf("Int64(%s) = %d, %v", text, i, ok)
	}
	f, exact, ok := Float64([]byte(text))
	w, err := strconv.ParseFloat(text, 64)
	if ok != (err == nil) || ok && math.Float64bits(f) != math.Float64bits(w) {
		t.Errorf("Float64(%s) = %v, %v; strconv says %v, %v", text, f, ok, w, err)
	}
	if ok {
		shortest, _ := new(big.Rat).SetString(strconv.FormatFloat(w, 'g', -1, 64))
		if exact != (shortest.Cmp(want) == 0) {
			t.Errorf("Float64(%s): exact %v, shortest form is %s", text, exact, strconv.FormatFloat(w, 'g', -1, 64))
		}
	}
	n, ok := Decimal128([]byte(text), 20, 4)
	scaled := new(big.Rat).Mul(want, big.NewRat(10000, 1))
	if fits := scaled.IsInt() && len(strings.TrimPrefix(scaled.Num().String(), "-")) <= 20; ok != fits || ok && n.BigInt().Cmp(scaled.Num()) != 0 {
		t.Errorf("Decimal128(%s, 20, 4) = %s, %v", text, n.BigInt(), ok)
	}
}

func TestNumbersRandom(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for range 50000 {
		checkNumber(t, randomNumber(r))
	}
}

func randomNumber(r *rand.Rand) string {
	var b []byte
	if r.IntN(3) == 0 {
		b = append(b, '-')
	}
	part := func(most int) {
		for range 1 + r.IntN(most) {
			b = append(b, "0123456789009"[r.IntN(13)])
		}
	}
	if r.IntN(4) == 0 {
		b = append(b, '0')
	} else {
		b = append(b, byte('1'+r.IntN(9)))
		if r.IntN(3) > 0 {
			part(20)
		}
	}
	if r.IntN(2) == 0 {
		b = append(b, '.')
		part(20)
	}
	if r.IntN(4) == 0 {
		b = append(b, "eE"[r.IntN(2)])
		if r.IntN(2) == 0 {
			b = append(b, "+-"[r.IntN(2)])
		}
		b = strconv.AppendInt(b, int64(r.IntN(340)), 10)
	}
	return string(b)
}

func TestQuotedCompactReplace(t *testing.T) {
	l := Limits{ReplaceInvalid: true}
	for _, c := range []struct{ in, compact, content string }{
		{`"plain"`, `"plain"`, "plain"},
		{`"\"\\\/\b\f\n\r\tA\u00e9"`, `"\"\\\/\b\f\n\r\tA\u00e9"`, "\"\\/\b\f\n\r\tA\u00e9"},
		{`"\ud83d\ude00 \uD83D\uDE00"`, `"\ud83d\ude00 \uD83D\uDE00"`, "😀 😀"},
		{`"a\ud83dx"`, `"a\ufffdx"`, "a\uFFFDx"},
		{`"\ud83d\ud83d\ude00"`, `"\ufffd\ud83d\ude00"`, "\uFFFD😀"},
		{`"\ufffd \\ud800"`, `"\ufffd \\ud800"`, "\uFFFD \\ud800"},
		{"\"a\xffb\xe2\x82\"", "\"a\uFFFDb\uFFFD\uFFFD\"", "a\uFFFDb\uFFFD\uFFFD"},
	} {
		b := Pad([]byte(c.in))
		end, escaped, err := l.String(b, 0)
		if err != nil || end != len(c.in) {
			t.Errorf("%q: end %d, %v", c.in, end, err)
			continue
		}
		if got := string(AppendUnquoted(nil, b[1:end-1])); got != c.content {
			t.Errorf("%q: content %q, want %q", c.in, got, c.content)
		}
		if !escaped && c.in[1:len(c.in)-1] != c.content {
			t.Errorf("%q: not told as escaped", c.in)
		}
		if got := string(AppendCompact(nil, []byte(c.in))); got != c.compact {
			t.Errorf("%q: compact %q, want %q", c.in, got, c.compact)
		}
	}
}

func seeds(f *testing.F) {
	for _, s := range []string{
		`{"a":[1,2.50,"x\u00e9",null,true,{"b":{}}],"a":-0e1}`, "[]", `"\ud83d\ude00"`, "\"\xc3\x28\"", ` { "k" : "\\\"" , "l" : [ ] } `, "1e400",
		`"\ud800"`, "[1,\n2]", `{"a":1,"b":{"c":[{"d":1},{"d":2}]}}`, "[[[[]]]]", `"` + strings.Repeat("0123456789", 5) + "é\"",
	} {
		f.Add([]byte(s))
	}
}

// FuzzAgainstStandard holds verdict, content, compaction and hash against encoding/json.
func FuzzAgainstStandard(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, text []byte) {
		err := Limits{}.Valid(text)
		lenient := Limits{ReplaceInvalid: true}.Valid(text)
		var fault *Error
		if err != nil && (!errors.As(err, &fault) || fault.Offset < 0 || fault.Offset > len(text)) {
			t.Fatalf("%q: bad error %v", text, err)
		}
		if fault != nil && fault.Code == Depth {
			return
		}
		if json.Valid(text) != (lenient == nil) {
			t.Fatalf("%q: %v, encoding/json says %v", text, lenient, json.Valid(text))
		}
		if lenient != nil {
			if err == nil {
				t.Fatalf("%q: strict accepts what lenient rejects", text)
			}
			return
		}
		var compact bytes.Buffer
		if err := json.Compact(&compact, text); err != nil {
			t.Fatal(err)
		}
		got := AppendCompact(nil, bytes.TrimSpace(text))
		if err == nil && !bytes.Equal(got, compact.Bytes()) {
			t.Fatalf("%q: compact %q, want %q", text, got, compact.Bytes())
		}
		if err := (Limits{}).Valid(got); err != nil {
			t.Fatalf("%q: compact %q is not valid: %v", text, got, err)
		}
		b := Pad(text)
		p := Space(b, 0)
		if b[p] == '"' {
			end, _, err := Limits{ReplaceInvalid: true}.String(b, p)
			var want string
			if err := errors.Join(err, json.Unmarshal(text, &want)); err != nil {
				t.Fatal(err)
			}
			if s := string(AppendUnquoted(nil, b[p+1:end-1])); s != want {
				t.Fatalf("%q: content %q, want %q", text, s, want)
			}
		}
		if err != nil {
			return
		}
		h, err := Limits{}.Hash(b, p)
		if err != nil {
			t.Fatalf("%q: hash: %v", text, err)
		}
		dec := json.NewDecoder(bytes.NewReader(text))
		dec.UseNumber()
		var v any
		if err := dec.Decode(&v); err != nil {
			t.Fatal(err)
		}
		again, err := json.MarshalIndent(v, "", "\t") // sorts keys, keeps the last of like ones
		if err != nil {
			t.Fatal(err)
		}
		if h2, err := (Limits{}).Hash(Pad(again), 0); err != nil || h2 != h {
			t.Fatalf("%q: hash %x, re-encoded %x, %v", text, h, h2, err)
		}
	})
}

func FuzzNumber(f *testing.F) {
	for _, s := range []string{"0", "-1.5e10", "123456789012345678901234567890", "0.30000000000000004", "4.9e-324"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if len(text) > 200 {
			return
		}
		b := Pad([]byte(text))
		end, _, err := Limits{}.Number(b, 0)
		valid := err == nil && end == len(text)
		if _, ok := ParseDecimal([]byte(text)); ok && !valid {
			t.Fatalf("%q: ParseDecimal accepts what the grammar rejects", text)
		}
		_, isInt := Int64([]byte(text))
		_, _, isDouble := Float64([]byte(text))
		if (isInt || isDouble) && !valid {
			t.Fatalf("%q: converted, though invalid", text)
		}
		if valid {
			checkNumber(t, text)
		}
	})
}

func FuzzQuoted(f *testing.F) {
	f.Add("a\"\\\n\x00\x7fé\u2028😀\xff")
	f.Fuzz(func(t *testing.T, s string) {
		q := AppendQuoted(nil, []byte(s))
		var back string
		if err := json.Unmarshal(q, &back); err != nil || back != strings.ToValidUTF8(s, "\uFFFD") && utf8.ValidString(s) {
			t.Fatalf("%q quoted as %q: %q, %v", s, q, back, err)
		}
		if err := (Limits{}).Valid(q); err != nil {
			t.Fatalf("%q quoted as %q: %v", s, q, err)
		}
	})
}

func TestHash(t *testing.T) {
	hash := func(s string, skip ...string) [2]uint64 {
		h, err := Limits{ReplaceInvalid: true}.Hash(Pad([]byte(s)), Space([]byte(s), 0), skip...)
		if err != nil {
			t.Fatalf("%s: %v", s, err)
		}
		return h
	}
	many := func(order func(i int) int) string {
		var b strings.Builder
		for i := range 100 {
			b.WriteString(map[bool]string{true: "{", false: ","}[i == 0])
			b.WriteString(`"k` + strconv.Itoa(order(i)%50) + `":` + strconv.Itoa(order(i)))
		}
		return b.String() + "}"
	}
	for _, same := range [][]string{
		{`{"a":1,"b":[1,2]}`, ` { "b" : [ 1 , 2.0 ] , "\u0061" : 10e-1 } `, `{"a":7,"a":{"x":[]},"a":1,"b":[1,2]}`},
		{`"é/"`, `"\u00e9\/"`, `"\u00E9/"`},
		{`0`, `-0`, `0.0e5`},
		{`1e30`, `1000000000000000000000000000000`},
		{many(func(i int) int { return i }), many(func(i int) int { return (i+25)%50 + i/50*50 })},
	} {
		for _, s := range same[1:] {
			if hash(s) != hash(same[0]) {
				t.Errorf("%s and %s differ", same[0], s)
			}
		}
	}
	different := []string{
		`{}`, `[]`, `null`, `""`, `0`, `"0"`, `true`, `false`, `"true"`, `[[]]`, `[{}]`, `[null]`, `{"a":1}`, `{"a":"1"}`, `{"a":[1]}`, `{"a":{"b":1}}`, `{"a.b":1}`, `{"ab":1}`,
		`[1,2]`, `[2,1]`, `[1,2,3]`, `[[1,2],3]`, `{"0":1}`, `[1]`, `{"a":{},"b":[]}`, `{"a":[],"b":{}}`, `-1`, `1`, `0.1`, `10`, `1e99999999999999999999`, `1e99999999999999999998`,
	}
	seen := map[[2]uint64]string{}
	for _, s := range different {
		h := hash(s)
		if o, ok := seen[h]; ok {
			t.Errorf("%s and %s have one hash", s, o)
		}
		seen[h] = s
	}
	if hash(`{"id":7,"at":"x","a":{"id":1}}`, "id", "at") != hash(`{"a":{"id":1}}`) || hash(`{"id":7}`, "id") != hash(`{}`) {
		t.Error("skipped keys count")
	}
	if h := hash(`{"a":[1,true,"x",null,{}]}`); h != [2]uint64{0x3fe2d0bab3ec57e4, 0xc402bd12604aa901} {
		t.Errorf("hash %x: it is stored in tables and must never change", h)
	}
}

func TestAllocations(t *testing.T) {
	if raceEnabled {
		t.Skip("the race detector makes sync.Pool forget at random")
	}
	b := Pad([]byte(`{"id":"x\n","a":[1,2.5,{"b":null}],"c":12345678901234567890.25}`))
	number := []byte("12345678901234567890.25")
	var h [2]uint64
	if n := testing.AllocsPerRun(100, func() {
		if _, err := (Limits{}).Value(b, 0); err != nil {
			t.Fatal(err)
		}
		var err error
		if h, err = (Limits{}).Hash(b, 0, "id"); err != nil {
			t.Fatal(err)
		}
		if _, _, ok := Float64(number); !ok {
			t.Fatal("not read")
		}
	}); n > 0.1 {
		t.Errorf("%v allocations a record", n)
	}
	_ = h
}

var sample = []byte(`{"record_id":"5f2b6f6e-4f0a-4b59-9d36-8f6d4a6f0c11","source":"iot_sensors","ingested_at":"2025-11-25T10:00:00.123Z","data":{"device_id":"sensor_0042","temperature":21.50,"humidity":48.2,"battery":87,"timestamp":"2025-11-25T09:59:58.001Z","status":"ok","tags":["a","b"]},"metadata":{"firmware":"1.2.3"}}`)

func BenchmarkValue(b *testing.B) {
	text := Pad(sample)
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Limits{}).Value(text, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkHash(b *testing.B) {
	text := Pad(sample)
	b.SetBytes(int64(len(sample)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := (Limits{}).Hash(text, 0); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkFloat64(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		if _, _, ok := Float64([]byte("21.50")); !ok {
			b.Fatal()
		}
	}
}
