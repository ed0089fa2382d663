package codec

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"fmt"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/parquet-go/parquet-go/format"
)

// bodies are pages of every kind that the choice of method tells apart.
func bodies() map[string][]byte {
	r := rand.New(rand.NewPCG(1, 1))
	noise := make([]byte, 300<<10)
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var ids, prefixed, uuids, prose, skewed []byte
	for range 20_000 {
		ids = fmt.Appendf(ids, "%016x", r.Uint64())
		prefixed = fmt.Appendf(prefixed, "sensor-reading-%08x", r.Uint32())
		uuids = fmt.Appendf(uuids, "%08x-%04x-%04x", r.Uint32(), r.IntN(1<<16), r.IntN(1<<16))
		prose = fmt.Appendf(prose, "the %s of %d; ", []string{"temperature", "pressure", "humidity"}[r.IntN(3)], r.IntN(1000))
		skewed = append(skewed, byte(r.IntN(1+r.IntN(40))))
	}
	return map[string][]byte{
		"empty": {}, "one": {7}, "zeros": make([]byte, 200<<10), "few": []byte("abcabc"), "noise": noise, "ids": ids, "prefixed": prefixed,
		"uuids": uuids, "prose": prose, "skewed": skewed, "base64": []byte(base64.StdEncoding.EncodeToString(noise)),
		"tiny": []byte("0123456789"), "tiny-runs": bytes.Repeat([]byte{3}, 200), "below": ids[:tiny-1], "just": ids[:tiny],
		"runs": []byte(strings.Repeat("a", 5000) + strings.Repeat("b", 5000)),
	}
}

func TestRoundTrip(t *testing.T) {
	var c Coder
	for name, body := range bodies() {
		for _, split := range []int{0, len(body) / 3, len(body)} {
			comp, err := c.Zstd(body, split)
			if err != nil {
				t.Fatal(err)
			}
			back, err := Decompress(nil, comp, len(body), format.Zstd)
			if err != nil || !bytes.Equal(back, body) {
				t.Errorf("%s, split at %d: %d bytes come back, %v", name, split, len(back), err)
			}
			comp = c.entropyFrame(nil, body, split)
			if back, err = Decompress(back, comp, len(body), format.Zstd); err != nil || !bytes.Equal(back, body) {
				t.Errorf("%s, split at %d: entropy frame: %d bytes come back, %v", name, split, len(back), err)
			}
		}
		back, err := Decompress(nil, c.Snappy(body), len(body), format.Snappy)
		if err != nil || !bytes.Equal(back, body) {
			t.Errorf("%s: snappy: %d bytes come back, %v", name, len(back), err)
		}
		if back, err = Decompress(nil, body, len(body), format.Uncompressed); err != nil || !bytes.Equal(back, body) {
			t.Errorf("%s: plain: %d bytes come back, %v", name, len(back), err)
		}
	}
}

// What is known of each kind's content bounds its size.
func TestSizes(t *testing.T) {
	var c Coder
	all := bodies()
	for name, percent := range map[string]int{"noise": 101, "ids": 53, "prefixed": 42, "uuids": 56, "prose": 40, "skewed": 75, "base64": 77, "zeros": 1, "runs": 2} {
		comp, err := c.Zstd(all[name], 0)
		if err != nil {
			t.Fatal(err)
		}
		if n := 100 * len(comp) / len(all[name]); n > percent {
			t.Errorf("%s: %d bytes become %d, %d %%, at most %d %% are right", name, len(all[name]), len(comp), n, percent)
		}
	}
}

// The sums of what an encoder gives must hold on every architecture.
func TestGolden(t *testing.T) {
	var c Coder
	z, s := sha256.New(), sha256.New()
	all := bodies()
	for _, name := range slices.Sorted(maps.Keys(all)) {
		b, err := c.Zstd(all[name], 0)
		if err != nil {
			t.Fatal(err)
		}
		z.Write(b)
		s.Write(c.Snappy(all[name]))
	}
	const (
		wantZstd   = "a423adeeb8d2b47aa7d0a86cec2ec7db232b178502fcb8dc577778d108d6228d"
		wantSnappy = "45a366bc9ed53ecac301cd3e7781509a5641c7909847d521340c5011663421cb"
	)
	if got := hex.EncodeToString(z.Sum(nil)); got != wantZstd {
		t.Errorf("zstd: %s, want %s", got, wantZstd)
	}
	if got := hex.EncodeToString(s.Sum(nil)); got != wantSnappy {
		t.Errorf("snappy: %s, want %s", got, wantSnappy)
	}
}

func FuzzSnappy(f *testing.F) {
	for _, b := range bodies() {
		if len(b) < 10<<10 {
			f.Add(b, 1)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, times int) {
		if times > 0 && times < 3000 {
			body = bytes.Repeat(body, times)
		}
		var c Coder
		back, err := Decompress(nil, c.Snappy(body), len(body), format.Snappy)
		if err != nil || !bytes.Equal(back, body) {
			t.Errorf("%d bytes come back of %d, %v", len(back), len(body), err)
		}
	})
}

func TestDecompressRefuses(t *testing.T) {
	var c Coder
	body := []byte(strings.Repeat("hello ", 1000))
	z, err := c.Zstd(body, 0)
	if err != nil {
		t.Fatal(err)
	}
	z = bytes.Clone(z)
	s := c.Snappy(body)
	for _, x := range []struct {
		b     []byte
		size  int
		codec format.CompressionCodec
	}{
		{z, len(body) - 1, format.Zstd},
		{z, len(body) + 1, format.Zstd},
		{z[:len(z)-1], len(body), format.Zstd},
		{nil, 1, format.Zstd},
		{s, len(body) - 1, format.Snappy},
		{s[:len(s)-1], len(body), format.Snappy},
		{nil, 0, format.Snappy},
		{body, 1, format.Uncompressed},
		{body, len(body), format.Gzip},
	} {
		if _, err := Decompress(nil, x.b, x.size, x.codec); err == nil {
			t.Errorf("%s: %d bytes pass as %d", x.codec, len(x.b), x.size)
		}
	}
}

func FuzzEntropyFrame(f *testing.F) {
	for _, b := range bodies() {
		if len(b) < 10<<10 {
			f.Add(b, 10)
		}
	}
	f.Fuzz(func(t *testing.T, body []byte, split int) {
		if split < 0 || split > len(body) {
			split = 0
		}
		body = bytes.Repeat(body, 1+len(body)%50)
		var c Coder
		back, err := Decompress(nil, c.entropyFrame(nil, body, split), len(body), format.Zstd)
		if err != nil || !bytes.Equal(back, body) {
			t.Errorf("%d bytes come back of %d, %v", len(back), len(body), err)
		}
	})
}

func BenchmarkZstd(b *testing.B) {
	for name, body := range bodies() {
		b.Run(name, func(b *testing.B) {
			var c Coder
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				if _, err := c.Zstd(body, 0); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
