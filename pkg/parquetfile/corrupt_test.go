package parquetfile

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/parquet-go/parquet-go/encoding/thrift"
	"github.com/parquet-go/parquet-go/format"

	"datalake/pkg/parquetfile/internal/codec"
	"datalake/pkg/parquetfile/internal/decode"
	"datalake/pkg/parquetfile/internal/meta"
	"datalake/pkg/parquetfile/internal/shape"
)

// sample is a file with every encoding, several pages and row groups.
func sample(t testing.TB, o Options) []byte {
	s := columns(t, "!string", "string", "bigint", "double", "boolean", "decimal(20,2)", "list<string>", "map<string,int>", "struct<a:timestamp>")
	rec := randomRecord(rand.New(rand.NewPCG(15, 15)), memory.DefaultAllocator, s, 300)
	defer rec.Release()
	return write(t, s, o, small, rec)
}

// exercise reads all of a damaged file in every way. It must not panic; what it returns must be of the known errors.
func exercise(t testing.TB, b []byte) error {
	mem := memory.NewCheckedAllocator(memory.DefaultAllocator)
	defer mem.AssertSize(t, 0)
	known := func(err error) {
		if err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) && !errors.Is(err, ErrType) {
			t.Errorf("an error of no known kind: %v", err)
		}
	}
	_, verr := Verify(bytes.NewReader(b), int64(len(b)))
	known(verr)
	f, err := Open(bytes.NewReader(b), int64(len(b)))
	known(err)
	if err != nil {
		return verr
	}
	s, _ := f.Schema()
	rows := int64(0)
	var rerr error
	for rec, err := range f.Records(context.Background(), s, mem) {
		known(err)
		if err != nil {
			rerr = err
			break
		}
		rows += rec.NumRows()
		if verr == nil {
			lines(rec)
		}
	}
	if verr == nil && rows != f.Rows() {
		t.Errorf("Verify finds no fault, but %d of %d rows can be read: %v", rows, f.Rows(), rerr)
	}
	for _, field := range s.Fields() {
		_, err := f.MayContain(field.Name, "x")
		known(err)
		f.Bounds(field.Name)
		f.IntBounds(field.Name)
	}
	return verr
}

// A changed byte of a page is found by its checksum; elsewhere by contradiction, but for names, bounds and the like.
func TestFlippedBytes(t *testing.T) {
	r := rand.New(rand.NewPCG(17, 17))
	for _, o := range []Options{{Bloom: []string{"c0"}}, {Encoding: Plain, Compression: Snappy}} {
		good := sample(t, o)
		bodies := pageBodies(t, openFile(t, good))
		unseen := 0
		for i := 0; i < len(good); i += 1 + r.IntN(40) {
			b := bytes.Clone(good)
			b[i] ^= 1 << (i % 8)
			if err := exercise(t, b); err == nil {
				unseen++
				if bodies[int64(i)] {
					t.Errorf("byte %d, of a page, can change unseen", i)
				}
			}
		}
		t.Logf("%d changes unseen", unseen)
	}
}

// pageBodies tells which bytes of a file are those of pages, without their headers.
func pageBodies(t testing.TB, f *File) map[int64]bool {
	m := map[int64]bool{}
	for g := range f.meta.Groups {
		for _, cm := range f.meta.Groups[g].Columns {
			for at, end := cm.Meta.Start(), cm.Meta.Start()+cm.Meta.CompressedSize; at < end; {
				b, err := readAt(f.r, at, end-at)
				if err != nil {
					t.Fatal(err)
				}
				var h meta.PageHeader
				n, err := meta.Unmarshal(b, &h)
				if err != nil {
					t.Fatal(err)
				}
				for i := range int64(h.Compressed) {
					m[at+int64(n)+i] = true
				}
				at += int64(n) + int64(h.Compressed)
			}
		}
	}
	return m
}

func TestTruncated(t *testing.T) {
	good := sample(t, Options{})
	for n := range good {
		if n%23 == 0 || n < 16 {
			if err := exercise(t, good[:n]); err == nil {
				t.Errorf("the first %d of %d bytes pass", n, len(good))
			}
			if err := exercise(t, good[n+1:]); err == nil {
				t.Errorf("the last %d of %d bytes pass", len(good)-n-1, len(good))
			}
		}
	}
}

// Damage below the checksum: bodies change and the checksum with them, so that the decoders meet it.
func TestDamagedBodies(t *testing.T) {
	r := rand.New(rand.NewPCG(16, 16))
	for _, typ := range allTypes {
		s := columns(t, typ)
		rec := randomRecord(r, memory.DefaultAllocator, s, 200)
		f := openFile(t, write(t, s, Options{}, small, rec))
		rec.Release()
		for _, l := range f.schema.Leaves {
			m := f.meta.Groups[0].Columns[l.Index].Meta
			var pages []bodyOfPage
			for at, end := m.Start(), m.Start()+m.CompressedSize; at < end; {
				p, n := pageAt(t, f, at, m.Codec)
				pages = append(pages, p)
				at += n
			}
			for k, p := range pages {
				// A dictionary is met with a page that needs it, a page with its dictionary.
				part := []bodyOfPage{p}
				at := 0
				if d := pages[0]; d.head.Type == format.DictionaryPage {
					part, at = []bodyOfPage{d, pages[max(k, 1)]}, min(k, 1)
				}
				if err := decodePages(t, l, m, part); err != nil {
					t.Fatalf("%s: the pages as they were: %v", typ, err)
				}
				for range 60 {
					b := bytes.Clone(p.body)
					for range 1 + r.IntN(3) {
						if len(b) > 0 {
							b[r.IntN(len(b))] = byte(r.IntN(256))
						}
					}
					if r.IntN(3) == 0 {
						b = b[:r.IntN(len(b)+1)]
					}
					part[at].body = b
					if err := decodePages(t, l, m, part); err != nil && !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
						t.Errorf("%s: %v", typ, err)
					}
				}
			}
		}
	}
}

// bodyOfPage is a page, decompressed.
type bodyOfPage struct {
	head meta.PageHeader
	body []byte
}

// pageAt is the page at a place in the file, and its size there.
func pageAt(t testing.TB, f *File, at int64, c format.CompressionCodec) (p bodyOfPage, size int64) {
	t.Helper()
	b, err := readAt(f.r, at, f.data-at)
	if err != nil {
		t.Fatal(err)
	}
	n, err := meta.Unmarshal(b, &p.head)
	if err != nil {
		t.Fatal(err)
	}
	size = int64(n) + int64(p.head.Compressed)
	if p.body, err = codec.Decompress(nil, b[n:size], int(p.head.Uncompressed), c); err != nil {
		t.Fatal(err)
	}
	return p, size
}

// decodePages reads a chunk of these pages, uncompressed and with the right checksums.
func decodePages(t testing.TB, l *shape.Leaf, m meta.Column, pages []bodyOfPage) (err error) {
	t.Helper()
	var b []byte
	var enc meta.Marshaler
	m.NumValues = 0
	for _, p := range pages {
		h := p.head
		h.Compressed, h.Uncompressed, h.CRC = int32(len(p.body)), int32(len(p.body)), thrift.New(int32(crc32.ChecksumIEEE(p.body)))
		head, err := enc.Marshal(&h)
		if err != nil {
			t.Fatal(err)
		}
		b = append(append(b, head...), p.body...)
		m.NumValues += int64(h.Data.V.NumValues)
	}
	m.Codec, m.DataPageOffset, m.DictionaryOffset, m.CompressedSize = format.Uncompressed, 0, thrift.Null[int64]{}, int64(len(b))
	c := decode.NewChunk(bytes.NewReader(b), l, &m)
	for err == nil {
		err = c.Next()
	}
	if err == io.EOF {
		return nil
	}
	return err
}

func TestChecksum(t *testing.T) {
	_, b := one(t, "string", Options{}, nil, "a", "b", "c")
	f := openFile(t, b)
	m := f.meta.Groups[0].Columns[0].Meta
	var h meta.PageHeader
	n, err := meta.Unmarshal(b[m.Start():], &h)
	if err != nil {
		t.Fatal(err)
	}
	page := b[m.Start()+int64(n):][:h.Compressed]
	if !h.CRC.Valid || uint32(h.CRC.V) != crc32.ChecksumIEEE(page) {
		t.Errorf("checksum %v of a page of %x", h.CRC, page)
	}
	page[len(page)-1]++
	if _, err := Verify(bytes.NewReader(b), int64(len(b))); !errors.Is(err, ErrCorrupt) {
		t.Errorf("a page that does not match its checksum: %v", err)
	}
}

func TestNotParquet(t *testing.T) {
	for _, s := range []string{"", "PAR1", "PAR1PAR1", "PAR1\x00\x00\x00\x00PAR1", "PAR1\xff\xff\xff\xffPAR1", "PAR1\x00\x01\x00\x00\x00PAR1", fmt.Sprintf("%100s", "PAR1")} {
		if err := exercise(t, []byte(s)); !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
			t.Errorf("%q: %v", s, err)
		}
	}
}

// FuzzFile changes bytes of a good file. The input is a list of places and bytes, so that most of the file stays good.
func FuzzFile(f *testing.F) {
	good := [][]byte{sample(f, Options{Bloom: []string{"c0"}}), sample(f, Options{Encoding: Plain, Compression: Snappy})}
	f.Add([]byte{}, 0)
	f.Add([]byte{0, 1, 2, 3, 4, 5}, 20)
	f.Fuzz(func(t *testing.T, edits []byte, tail int) {
		b := bytes.Clone(good[len(edits)%2])
		for len(edits) >= 4 {
			at := int(binary.LittleEndian.Uint16(edits))
			if edits[3]&1 == 0 { // in the footer
				at = max(0, len(b)-8-at%6000)
			}
			b[at%len(b)] = edits[2]
			edits = edits[4:]
		}
		if tail > 0 && tail < 64 {
			b = b[:len(b)-tail]
		}
		exercise(t, b)
	})
}

// FuzzFooter gives the schema's parser what passes as a footer.
func FuzzFooter(f *testing.F) {
	b := sample(f, Options{})
	f.Add(b[len(b)-8-int(binary.LittleEndian.Uint32(b[len(b)-8:])) : len(b)-8])
	f.Fuzz(func(t *testing.T, b []byte) {
		var m meta.File
		if _, err := meta.Unmarshal(b, &m); err != nil {
			return
		}
		s, fs, err := shape.Parse(m.Schema)
		if err != nil {
			if !errors.Is(err, ErrCorrupt) && !errors.Is(err, ErrUnsupported) {
				t.Errorf("an error of no known kind: %v", err)
			}
			return
		}
		if len(fs.Fields) != s.NumFields() {
			t.Errorf("%d fields of %d", len(fs.Fields), s.NumFields())
		}
	})
}
