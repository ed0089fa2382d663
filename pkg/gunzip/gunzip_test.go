package gunzip_test

import (
	"bufio"
	"bytes"
	stdgzip "compress/gzip"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/klauspost/compress/gzip"

	"datalake/pkg/gunzip"
)

// texts are inputs that use all of the format.
func texts() map[string][]byte {
	r := rand.New(rand.NewPCG(3, 5))
	random := make([]byte, 300_000)
	for i := range random {
		random[i] = byte(r.Uint32())
	}
	var lines, ids, skewed bytes.Buffer
	for i := range 20_000 {
		fmt.Fprintf(&lines, `{"record_id":"%08x-%04x","n":%d,"place":"store_%d","t":"2025-11-24T00:%02d:00Z"}`+"\n", r.Uint32(), r.Uint32()&0xffff, r.IntN(1000), r.IntN(30), i%60)
		fmt.Fprintf(&ids, "%016x", r.Uint64())
		skewed.WriteByte(byte(r.ExpFloat64() * 3)) // codes of all lengths
	}
	var far bytes.Buffer // matches as far back as may be
	far.Write(random[:32<<10])
	for range 10 {
		at := r.IntN(200)
		far.Write(far.Bytes()[far.Len()-(32<<10)+at:][:500])
		far.Write(random[at : 31<<10])
	}
	return map[string][]byte{
		"nothing": nil, "byte": {7}, "random": random, "lines": lines.Bytes(), "ids": ids.Bytes(), "skewed": skewed.Bytes(), "far": far.Bytes(),
		"zeros": make([]byte, 1_000_000), "period 2": bytes.Repeat([]byte("ab"), 70_000), "period 7": bytes.Repeat([]byte("abcdefg"), 50_000),
		"period 13": bytes.Repeat([]byte("abcdefghijklm"), 50_000), "sentence": []byte(strings.Repeat("all work and no play makes Jack a dull boy. ", 9)),
	}
}

// compress gives text as a member, flushed now and then.
func compress(t testing.TB, text []byte, level, flush int) []byte {
	var b bytes.Buffer
	w, err := stdgzip.NewWriterLevel(&b, level)
	if err != nil {
		t.Fatal(err)
	}
	for len(text) > 0 && flush > 0 {
		n := min(flush, len(text))
		if _, err := w.Write(text[:n]); err != nil {
			t.Fatal(err)
		}
		if err := w.Flush(); err != nil {
			t.Fatal(err)
		}
		text = text[n:]
	}
	if _, err := w.Write(text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

// read reads the first member.
func read(z *gunzip.Reader, br *bufio.Reader) ([]byte, error) {
	if err := z.Reset(br); err != nil {
		return nil, err
	}
	return io.ReadAll(z)
}

func TestTexts(t *testing.T) {
	var z gunzip.Reader
	for name, text := range texts() {
		for _, level := range []int{stdgzip.HuffmanOnly, 0, 1, 6, 9} {
			for _, flush := range []int{0, 1000, 40_000} {
				packed := compress(t, text, level, flush)
				for reader, r := range map[string]io.Reader{
					"": bytes.NewReader(packed), "by bytes": iotest.OneByteReader(bytes.NewReader(packed)), "by halves": iotest.HalfReader(bytes.NewReader(packed)),
				} {
					got, err := read(&z, bufio.NewReaderSize(r, 1<<10))
					if err != nil || !bytes.Equal(got, text) {
						t.Fatalf("%s, level %d, flushed each %d, read %s: %d bytes of %d, %v", name, level, flush, reader, len(got), len(text), err)
					}
				}
			}
		}
	}
}

// After a member the reader stands right behind it.
func TestMembers(t *testing.T) {
	a, b := []byte("first"), bytes.Repeat([]byte("second "), 10_000)
	br := bufio.NewReader(bytes.NewReader(append(append(compress(t, a, 6, 0), compress(t, b, 6, 0)...), "rest"...)))
	var z gunzip.Reader
	for _, want := range [][]byte{a, b} {
		if got, err := read(&z, br); err != nil || !bytes.Equal(got, want) {
			t.Fatalf("%d bytes of %d, %v", len(got), len(want), err)
		}
	}
	if rest, err := io.ReadAll(br); err != nil || string(rest) != "rest" {
		t.Errorf("%q, %v are left", rest, err)
	}
	if err := z.Reset(br); err != io.EOF {
		t.Errorf("at the end: %v", err)
	}
}

func TestHeader(t *testing.T) {
	var b bytes.Buffer
	w := stdgzip.NewWriter(&b)
	w.Name, w.Comment, w.Extra = "a name", "a comment", []byte("more")
	if _, err := w.Write([]byte("text")); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	var z gunzip.Reader
	if got, err := read(&z, bufio.NewReader(bytes.NewReader(b.Bytes()))); err != nil || string(got) != "text" {
		t.Errorf("%q, %v", got, err)
	}
	for name, head := range map[string]string{
		"with a checksum": "\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\x03\x1d\x26",
		"with another":    "\x1f\x8b\x08\x02\x00\x00\x00\x00\x00\x03\x1d\x27",
		"of no gzip":      "\x1f\x8c\x08\x00\x00\x00\x00\x00\x00\x03",
		"of another way":  "\x1f\x8b\x07\x00\x00\x00\x00\x00\x00\x03",
	} {
		packed := append([]byte(head), compress(t, []byte("text"), 6, 0)[10:]...)
		want, werr := stdread(packed)
		got, err := read(&z, bufio.NewReader(bytes.NewReader(packed)))
		if (err == nil) != (werr == nil) || err != nil && !errors.Is(err, gunzip.ErrHeader) || !bytes.Equal(got, want) {
			t.Errorf("header %s: %q, %v; want %q, %v", name, got, err, want, werr)
		}
	}
}

// stdread is what the standard library makes of the first member.
func stdread(packed []byte) ([]byte, error) {
	z, err := stdgzip.NewReader(bufio.NewReader(bytes.NewReader(packed)))
	if err != nil {
		return nil, err
	}
	z.Multistream(false)
	return io.ReadAll(z)
}

// same holds what is read against the standard library: the same text where it is whole; else an error too, and no other text
// before it. Of what was cut off all is there but what a last code, of two literals, may have.
func same(t *testing.T, z *gunzip.Reader, packed []byte) {
	want, werr := stdread(packed)
	got, err := read(z, bufio.NewReaderSize(bytes.NewReader(packed), 64))
	switch {
	case (err == nil) != (werr == nil):
		t.Fatalf("%x: %v, the standard library says %v", packed[:min(len(packed), 100)], err, werr)
	case err == nil && !bytes.Equal(got, want):
		t.Fatalf("%x: other text", packed[:min(len(packed), 100)])
	case err != nil && !bytes.HasPrefix(got, want) && !bytes.HasPrefix(want, got):
		t.Fatalf("%x: other text before %v", packed[:min(len(packed), 100)], err)
	case errors.Is(werr, io.ErrUnexpectedEOF) && len(got) < len(want)-1:
		t.Fatalf("%x: %d bytes of %d before %v", packed[:min(len(packed), 100)], len(got), len(want), err)
	}
}

func TestDamaged(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 9))
	var z gunzip.Reader
	for _, text := range texts() {
		text = text[:min(len(text), 3000)]
		for _, level := range []int{stdgzip.HuffmanOnly, 0, 6} {
			packed := compress(t, text, level, 1000)
			for n := 0; n < len(packed); n += 1 + r.IntN(1+len(packed)/100) {
				same(t, &z, packed[:n])
			}
			for range 200 {
				b := bytes.Clone(packed)
				for range 1 + r.IntN(2) {
					b[10+r.IntN(len(b)-10)] ^= 1 << r.IntN(8)
				}
				same(t, &z, b)
			}
		}
	}
}

func FuzzReader(f *testing.F) {
	for _, text := range texts() {
		f.Add(compress(f, text[:min(len(text), 2000)], 6, 500)[10:])
	}
	f.Fuzz(func(t *testing.T, deflated []byte) {
		same(t, new(gunzip.Reader), append([]byte("\x1f\x8b\x08\x00\x00\x00\x00\x00\x00\x03"), deflated...))
	})
}

func TestErrors(t *testing.T) {
	packed := compress(t, bytes.Repeat([]byte("text "), 1000), 6, 0)
	wrong := bytes.Clone(packed)
	wrong[len(wrong)-1] ^= 1
	failed := errors.New("the store failed")
	var z gunzip.Reader
	for _, c := range []struct {
		r    io.Reader
		want error
	}{
		{bytes.NewReader(packed[:5]), io.ErrUnexpectedEOF},
		{bytes.NewReader(packed[:len(packed)-3]), io.ErrUnexpectedEOF},
		{bytes.NewReader(wrong), gunzip.ErrChecksum},
		{io.MultiReader(bytes.NewReader(packed[:20]), iotest.ErrReader(failed)), failed},
	} {
		if _, err := read(&z, bufio.NewReader(c.r)); !errors.Is(err, c.want) {
			t.Errorf("error %v, want %v", err, c.want)
		}
	}
}

func TestAllocations(t *testing.T) {
	packed := compress(t, bytes.Repeat([]byte("some text "), 100_000), 6, 0)
	var z gunzip.Reader
	src, br, buf := bytes.NewReader(nil), bufio.NewReader(nil), make([]byte, 1<<16)
	if n := testing.AllocsPerRun(5, func() {
		src.Reset(packed)
		br.Reset(src)
		if err := z.Reset(br); err != nil {
			t.Fatal(err)
		}
		for {
			if _, err := z.Read(buf); err == io.EOF {
				return
			} else if err != nil {
				t.Fatal(err)
			}
		}
	}); n > 0 {
		t.Errorf("%v allocations a member", n)
	}
}

// BenchmarkRead is beside the package that this one replaces.
func BenchmarkRead(b *testing.B) {
	text := texts()["lines"]
	packed := compress(b, text, 6, 0)
	buf := make([]byte, 1<<20)
	drain := func(r io.Reader) {
		for {
			if _, err := r.Read(buf); err == io.EOF {
				return
			} else if err != nil {
				b.Fatal(err)
			}
		}
	}
	b.Run("own", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		var z gunzip.Reader
		br := bufio.NewReaderSize(nil, 64<<10)
		for b.Loop() {
			br.Reset(bytes.NewReader(packed))
			if err := z.Reset(br); err != nil {
				b.Fatal(err)
			}
			drain(&z)
		}
	})
	b.Run("klauspost", func(b *testing.B) {
		b.SetBytes(int64(len(text)))
		b.ReportAllocs()
		var z gzip.Reader
		br := bufio.NewReaderSize(nil, 64<<10)
		for b.Loop() {
			br.Reset(bytes.NewReader(packed))
			if err := z.Reset(br); err != nil {
				b.Fatal(err)
			}
			drain(&z)
		}
	})
}
