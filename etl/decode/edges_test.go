package decode

import (
	"fmt"
	"strings"
	"testing"
)

// What a shape learned from a plain line makes of values at the edge of what it takes at once.
func TestPathsOnEdges(t *testing.T) {
	s := with(t, "data.s string", "data.d double", "data.b bigint", "data.i int", "data.t timestamp")
	other := with(t, "data.s string", "data.i int")
	const line = `{"record_id":"%s","source":"src","data":{"s":"%s","d":%s,"b":%s,"i":%s,"t":"%s"}}` + "\n"
	plain := []any{"a", "x", "1.5", "1", "1", "2025-11-25T10:00:00Z"}
	edges := map[int][]string{
		0: {"", `a\n`, "\u00e9", strings.Repeat("long ", 9), "a\x01", "a\xff"},
		1: {"", "12345678", "123456789", "1234567890123456", "12345678901234567", `\u0000`, "\u00e9", "a\xff", `\ud800`, "\x7f", "x\"", "seven77", "seven77"},
		2: {"0", "-0", "-0.0", "05", "-05", "00", "1.", ".5", "-", "1e5", "1E-2", "123456789012345", "1234567890123456", "999999999999999.9", "9007199254740993", "0.1234567890123456", "1e400", "null", "true", `"2.5"`, "[1]", "+1", "1.5x", "0x1"},
		3: {"0", "-0", "05", "-", "1.0", "1e2", "999999999999999", "9223372036854775807", "9223372036854775808", "null", `"5"`, `"05"`, "{}", "1 ", " 1"},
		4: {"2147483647", "2147483648", "-2147483648", "-2147483649", "03", "3.0", "3.5", "null"},
		5: {"2025-11-25T10:00:00.1234567Z", "2025-11-25T10:00:00+01:00", "2025-02-30T10:00:00Z", "2025-11-25", "", `2025-11-25T10:00:00\u005a`},
	}
	text := strings.Repeat(fmt.Sprintf(line, plain...), 3)
	for at := range len(plain) {
		for _, e := range edges[at] {
			args := append([]any(nil), plain...)
			args[at] = e
			text += fmt.Sprintf(line, args...)
		}
	}
	texts := map[string]string{
		"values": text,
		// Without a source the two other keys decide whether the record is an envelope.
		"envelopes": strings.Repeat(`{"record_id":"a","ingested_at":null,"data":{"i":1}}`+"\n", 3) + `{"record_id":null,"ingested_at":null,"data":{"i":1}}` + "\n" +
			`{"record_id":null,"ingested_at":"x","data":{"i":1}}` + "\n" + `{"record_id":"","ingested_at":null,"data":{"i":1}}`,
		// A shape begins with data, so that the plan is known too late.
		"sources": strings.Repeat(`{"data":{"i":1,"s":"x"},"source":"src","record_id":"a"}`+"\n"+`{"data":{"i":2,"s":"y"},"source":"other","record_id":"b"}`+"\n", 6),
	}
	for i := range 600 { // more values than a dictionary takes, each of them several times
		texts["dictionary"] += fmt.Sprintf(line, "a", fmt.Sprint("v", i%60), "1", "1", "1", "2025-11-25T10:00:00Z")
	}
	for name, text := range texts {
		t.Run(name, func(t *testing.T) {
			p := newPair(t, Options{DictionaryLimit: 40}, tables{"src": s, "other": other}, true)
			for range 2 {
				p.check(t, unit(text))
			}
			if p.fast.Paths().Fast == 0 {
				t.Error("no record went the fast path")
			}
		})
	}
}
