package quarantine

import (
	"bytes"
	"testing"

	"datalake/pkg/batch"
)

// What was packed comes back; a stretch that nobody packed ends in an error, never in a panic.
func FuzzUnpack(f *testing.F) {
	o := &batch.Object{Key: "k"}
	f.Add(pack(nil, &batch.Reject{Rule: "json", Reason: "why", Payload: []byte("{"), Origin: batch.Origin{Offset: 1 << 40}, Line: -1}, 0), "r", int64(5))
	f.Add([]byte{0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 1}, "", int64(-1))
	f.Add([]byte{}, "", int64(0))
	f.Fuzz(func(t *testing.T, packed []byte, rule string, n int64) {
		in := batch.Reject{Origin: batch.Origin{Object: o, Offset: n}, Source: "s", Line: n / 2, Length: n / 3, Rule: rule, Reason: rule + "?", Payload: packed, Truncated: n%2 == 0, Withheld: n%3 == 0, Masked: n%5 == 0}
		d := &reader{run: &run{source: "s", objects: []*batch.Object{nil, o}}, rest: pack(nil, &in, 1)}
		if got := packedSize(&in); got < len(d.rest) {
			t.Errorf("%d bytes are reckoned, %d were packed", got, len(d.rest))
		}
		if err := d.next(); err != nil || len(d.rest) != 0 {
			t.Fatalf("%v, %d bytes left", err, len(d.rest))
		}
		out := d.reject
		if out.Origin != in.Origin || out.Source != "s" || out.Line != in.Line || out.Length != in.Length || out.Rule != in.Rule || out.Reason != in.Reason || !bytes.Equal(out.Payload, packed) || out.Truncated != in.Truncated || out.Withheld != in.Withheld || out.Masked != in.Masked {
			t.Errorf("%+v became %+v", in, out)
		}
		d = &reader{run: &run{objects: []*batch.Object{o}}, rest: packed}
		for len(d.rest) > 0 {
			before := len(d.rest)
			if err := d.next(); err != nil {
				return
			}
			if len(d.rest) >= before {
				t.Fatal("no progress")
			}
		}
	})
}
