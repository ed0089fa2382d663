package demo_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"maps"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"datalake/etl/demo"
	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

func generate(t *testing.T, drop int, o demo.Options) (*demo.Drop, map[string][]byte) {
	t.Helper()
	ctx := context.Background()
	store := memory.New()
	d, err := demo.Generate(ctx, store, "raw", drop, o)
	if err != nil {
		t.Fatal(err)
	}
	bodies := map[string][]byte{}
	for _, x := range d.Objects {
		r, _, err := store.Get(ctx, x.Key, storage.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		b, err := io.ReadAll(r)
		r.Close()
		if err != nil {
			t.Fatal(err)
		}
		bodies[x.Key] = b
	}
	return d, bodies
}

func TestSameSeedSameBytes(t *testing.T) {
	for drop := 1; drop <= demo.Drops; drop++ {
		a, x := generate(t, drop, demo.Options{Seed: 7, Records: 3000})
		b, y := generate(t, drop, demo.Options{Seed: 7, Records: 3000})
		if d := cmp.Diff(a, b); d != "" {
			t.Errorf("drop %d differs: %s", drop, d)
		}
		if !maps.EqualFunc(x, y, bytes.Equal) {
			t.Errorf("drop %d: other bytes from the same seed", drop)
		}
		_, z := generate(t, drop, demo.Options{Seed: 8, Records: 3000})
		if maps.EqualFunc(x, z, bytes.Equal) {
			t.Errorf("drop %d: same bytes from another seed", drop)
		}
	}
}

func TestDropOutOfRange(t *testing.T) {
	for _, drop := range []int{0, 3} {
		if _, err := demo.Generate(context.Background(), memory.New(), "raw", drop, demo.Options{}); err == nil {
			t.Errorf("drop %d made", drop)
		}
	}
}

// TestPlanted counts with encoding/json what the drops of the sources that come as NDJSON say was planted.
func TestPlanted(t *testing.T) {
	o := demo.Options{Seed: 3, Records: 20_000}
	seen := map[string]bool{}
	for drop := 1; drop <= demo.Drops; drop++ {
		d, bodies := generate(t, drop, o)
		got := map[string]demo.Source{}
		for _, x := range d.Objects {
			name := strings.Split(x.Key, "/")[1]
			s := got[name]
			s.Name = name
			text, broken := inflate(t, x.Key, bodies[x.Key])
			if broken {
				s.Records++
				s.Broken++
			}
			if name == "shop_orders" {
				continue
			}
			for line := range bytes.Lines(text) {
				s.Records++
				key, ok := identity(line)
				switch {
				case !ok:
					s.Broken++
				case seen[name+key]:
					s.Duplicates++
				}
				seen[name+key] = true
			}
			got[name] = s
		}
		for _, want := range d.Sources {
			if want.Name == "shop_orders" {
				continue
			}
			if diff := cmp.Diff(want, got[want.Name]); diff != "" {
				t.Errorf("drop %d: planted (-) and found (+): %s", drop, diff)
			}
			if want.Duplicates == 0 || want.Broken == 0 {
				t.Errorf("drop %d: no dirt in %+v", drop, want)
			}
		}
	}
}

// identity is the record's id, or its content with sorted keys; not ok where it is no record.
func identity(line []byte) (string, bool) {
	var v map[string]any
	if !utf8.Valid(line) || bytes.Contains(line, []byte(`\ud83d"`)) || json.Unmarshal(line, &v) != nil {
		return "", false
	}
	if id, ok := v["record_id"].(string); ok {
		return id, true
	}
	b, err := json.Marshal(v)
	return string(b), err == nil
}

func inflate(t *testing.T, key string, body []byte) (text []byte, broken bool) {
	t.Helper()
	var r io.Reader = bytes.NewReader(body)
	switch {
	case strings.HasSuffix(key, ".gz"):
		z, err := gzip.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		r = z
	case strings.HasSuffix(key, ".zst"):
		z, err := zstd.NewReader(r)
		if err != nil {
			t.Fatal(err)
		}
		defer z.Close()
		r = z
	}
	var b bytes.Buffer
	_, err := bufio.NewReader(r).WriteTo(&b)
	if err != nil && !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Fatalf("%s: %v", key, err)
	}
	return b.Bytes(), err != nil
}

func BenchmarkGenerate(b *testing.B) {
	b.ReportAllocs()
	for b.Loop() {
		d, err := demo.Generate(context.Background(), memory.New(), "raw", 1, demo.Options{})
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(d.Bytes)
	}
}
