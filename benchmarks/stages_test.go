package benchmarks

import (
	"bytes"
	"context"
	"io"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"
	"github.com/klauspost/compress/gzip"
	"github.com/klauspost/compress/zstd"

	"datalake/benchmarks/data"
	"datalake/etl/decode"
	"datalake/etl/dedupe"
	"datalake/etl/partition"
	"datalake/etl/write"
	"datalake/pkg/batch"
	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
	"datalake/pkg/spill"
	"datalake/pkg/timeparse"
)

// BenchmarkRead: an object in a store to units, one goroutine: cutting lines, and decompression, beside which stands what bare
// decompression takes. MB/s are of the text.
func BenchmarkRead(b *testing.B) {
	c := corpusOf(b, data.Options{Kind: data.Clean})
	compressed := map[string][]byte{"plain": c.text}
	var text bytes.Buffer
	for name, w := range map[string]io.WriteCloser{"gzip": gzip.NewWriter(&text), "zstd": zstdWriter(b, &text)} {
		text.Reset()
		if _, err := w.Write(c.text); err != nil {
			b.Fatal(err)
		}
		if err := w.Close(); err != nil {
			b.Fatal(err)
		}
		compressed[name] = bytes.Clone(text.Bytes())
	}
	for _, name := range []string{"plain", "gzip", "zstd"} {
		key := "read/" + name
		c.put(b, key, compressed[name])
		b.Run(name, func(b *testing.B) {
			c.measure(b, func() {
				size := 0
				for _, u := range c.units(b, key) {
					for _, chunk := range u.Chunks {
						size += len(chunk.Data)
					}
				}
				if size < len(c.text)*9/10 {
					b.Fatalf("%d bytes of %d", size, len(c.text))
				}
			})
		})
		if name == "plain" {
			continue
		}
		b.Run("bare "+name, func(b *testing.B) {
			c.measure(b, func() {
				n, err := io.Copy(io.Discard, bare(b, name, bytes.NewReader(compressed[name])))
				if err != nil || n != int64(len(c.text)) {
					b.Fatal(n, err)
				}
			})
		})
	}
}

func zstdWriter(b *testing.B, to io.Writer) io.WriteCloser {
	w, err := zstd.NewWriter(to)
	if err != nil {
		b.Fatal(err)
	}
	return w
}

// bare decompresses in one goroutine.
func bare(b *testing.B, name string, r io.Reader) io.Reader {
	var out io.Reader
	var err error
	if name == "gzip" {
		out, err = gzip.NewReader(r)
	} else {
		var z *zstd.Decoder
		if z, err = zstd.NewReader(r, zstd.WithDecoderConcurrency(1)); err == nil {
			out = z.IOReadCloser()
			b.Cleanup(z.Close)
		}
	}
	if err != nil {
		b.Fatal(err)
	}
	return out
}

// BenchmarkDecode: JSON text to Arrow batches, one goroutine. hit-% is how many records were parsed by shapes of earlier ones.
func BenchmarkDecode(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) { c.decode(b, decode.Options{}) })
}

// BenchmarkDecodeStrict: the same where hardly two lines have the same shape, so that next to all records are parsed strictly.
func BenchmarkDecodeStrict(b *testing.B) {
	for _, kind := range []string{data.Clean, data.Dirty} {
		b.Run(kind, func(b *testing.B) {
			if hits := corpusOf(b, data.Options{Kind: kind, Spaced: true}).decode(b, decode.Options{}); hits > 1 {
				b.Errorf("%.1f %% of the records were not parsed strictly: this data is no measure of that any more", hits)
			}
		})
	}
}

// BenchmarkDecodeBare: records without an envelope, whose record_id is the hash of their content.
func BenchmarkDecodeBare(b *testing.B) {
	clean := corpusOf(b, data.Options{Kind: data.Clean})
	var text bytes.Buffer
	for line := range strings.Lines(string(clean.text)) {
		_, line, _ = strings.Cut(line, `"data":`)
		line, _, _ = strings.Cut(line, "}")
		text.WriteString(line + "}\n")
	}
	c := corpusFrom(b, text.Bytes(), []byte(`version: 1
sources:
  events:
    envelope: none
    event_time: {path: timestamp, formats: [rfc3339]}
    columns:
      - {path: device_id, type: string}
      - {path: temperature, type: double}
      - {path: humidity, type: bigint}
`), "events")
	c.decode(b, decode.Options{Bare: map[string]bool{"events": true}})
}

// decode measures one decoder on all of the corpus, and gives the share of its records, in percent, that followed a shape.
func (c *corpus) decode(b *testing.B, o decode.Options) (hits float64) {
	units, d := c.units(b, "raw/"+only), c.decoder(b, o)
	c.measure(b, func() {
		rows := 0
		for _, u := range units {
			out, err := d.Decode(u)
			if err != nil {
				b.Fatal(err)
			}
			for _, x := range out.Batches {
				rows += x.NumRows()
			}
			out.Release()
		}
		if rows != c.rows {
			b.Fatalf("%d rows of %d", rows, c.rows)
		}
	})
	p := d.Paths()
	hits = 100 * float64(p.Fast) / float64(p.Records)
	b.ReportMetric(hits, "hit-%")
	return hits
}

// BenchmarkTimes: texts of times to milliseconds.
func BenchmarkTimes(b *testing.B) {
	for _, t := range []struct{ name, format, text string }{
		{"rfc3339 UTC", timeparse.RFC3339, "2025-11-25T10:00:00.123Z"},
		{"rfc3339 offset", timeparse.RFC3339, "2025-11-25T10:00:00.123+05:30"},
		{"rfc3339 micros", timeparse.RFC3339, "2025-11-25T10:00:00.123456Z"},
		{"epoch", timeparse.Epoch, "1764064800123"},
		{"layout", "%d.%m.%Y %H:%M:%S", "25.11.2025 10:00:00"},
	} {
		b.Run(t.name, func(b *testing.B) {
			l, err := timeparse.Compile(t.format, nil)
			if err != nil {
				b.Fatal(err)
			}
			text := []byte(t.text)
			b.ReportAllocs()
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				if _, _, ok := l.Parse(text); !ok {
					b.Fatal("no time")
				}
			}
		})
	}
}

// trimmed is a caller's own stage as one might write it: no string begins or ends with white space.
type trimmed struct{}

func (trimmed) Columns(*schema.Schema) ([]schema.Column, error) { return nil, nil }

func (trimmed) Apply(_ context.Context, b *batch.Batch) (*batch.Batch, error) {
	for i, col := range b.Record.Columns() {
		switch col := col.(type) {
		case *array.String:
			b.SetColumn(i, trim(col))
		case *array.Dictionary:
			if values, ok := col.Dictionary().(*array.String); ok {
				short := trim(values)
				b.SetColumn(i, array.NewDictionaryArray(col.DataType(), col.Indices(), short))
				short.Release()
			}
		}
	}
	return b, nil
}

func trim(col *array.String) *array.String {
	out := array.NewStringBuilder(memory.DefaultAllocator)
	defer out.Release()
	out.Reserve(col.Len())
	out.ReserveData(len(col.ValueBytes()))
	for i := range col.Len() {
		if col.IsNull(i) {
			out.AppendNull()
		} else {
			out.Append(strings.TrimSpace(col.Value(i)))
		}
	}
	return out.NewStringArray()
}

// BenchmarkClean: what the map step does to a batch after decoding: a stage of the caller's own, the rows' partitions, their keys; one goroutine.
func BenchmarkClean(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) {
		index := partition.NewIndex()
		all := c.decoded(b, index)
		partitioners, hashers := map[string]*partition.Partitioner{}, map[string]*dedupe.Hasher{}
		for source, s := range c.schemas {
			var err error
			if partitioners[source], err = partition.New(s, index); err != nil {
				b.Fatal(err)
			}
			if hashers[source], err = dedupe.NewHasher(s, seed); err != nil {
				b.Fatal(err)
			}
		}
		var parts []uint32
		var keys []dedupe.Key
		c.measure(b, func() {
			for i, from := range all.batches {
				x := *from
				x.Record.Retain()
				out, err := trimmed{}.Apply(b.Context(), &x)
				if err != nil {
					b.Fatal(err)
				}
				if parts, err = partitioners[x.Source].Assign(out.Record, parts[:0], func(int, string) { b.Fatal("a row has no partition") }); err != nil {
					b.Fatal(err)
				}
				if keys, err = hashers[x.Source].Keys(out.Record, nil, dedupe.New(uint64(i), 0), keys[:0]); err != nil {
					b.Fatal(err)
				}
				if len(parts) != x.NumRows() || len(keys) != x.NumRows() {
					b.Fatalf("%d partitions and %d keys of %d rows", len(parts), len(keys), x.NumRows())
				}
				out.Release()
			}
		})
	})
}

// BenchmarkResolve: keys of all rows to buckets, and the losers found, on all cores. MB/s are of the raw text.
func BenchmarkResolve(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) {
		all := c.decoded(b, partition.NewIndex())
		c.measure(b, func() {
			buckets := dedupe.NewBuckets(spill.NewBudget(1<<30), spill.NewFile(b.TempDir()))
			defer buckets.Release()
			send := dedupe.NewSender(buckets)
			var keys []dedupe.Key
			for i, x := range all.batches {
				h, err := dedupe.NewHasher(c.schemas.Schema(x.Source), seed)
				if err != nil {
					b.Fatal(err)
				}
				if keys, err = h.Keys(x.Record, nil, dedupe.New(uint64(i), 0), keys[:0]); err != nil {
					b.Fatal(err)
				}
				if err := send.Send(keys); err != nil {
					b.Fatal(err)
				}
			}
			if err := send.Flush(); err != nil {
				b.Fatal(err)
			}
			var lost atomic.Int64
			if err := dedupe.Resolve(b.Context(), buckets, nil, 2, 0, func(_, _ dedupe.Row) { lost.Add(1) }); err != nil {
				b.Fatal(err)
			}
			if n := float64(lost.Load()) / float64(c.rows); n < 0.03 || n > 0.07 {
				b.Fatalf("%.3f of the rows are duplicates", n)
			}
		})
	})
}

// BenchmarkWrite: Arrow batches to Parquet files of their partitions, one goroutine. MB/s are of the raw text.
func BenchmarkWrite(b *testing.B) {
	each(b, func(b *testing.B, c *corpus) {
		index := partition.NewIndex()
		all := c.decoded(b, index)
		var size int64
		c.measure(b, func() {
			var err error
			if size, err = c.write(b.Context(), all, b.TempDir()); err != nil {
				b.Fatal(err)
			}
		})
		b.ReportMetric(float64(size)/float64(c.rows), "out-B/row")
	})
}

func (c *corpus) write(ctx context.Context, all *decoded, dir string) (size int64, err error) {
	for _, source := range c.set.Sources() {
		s := c.schemas.Schema(source)
		g := write.NewGroup(write.Options{
			Schema: s.Arrow(), Drop: partition.Columns(s), Parquet: parquetfile.Options{Bloom: []string{"record_id"}}, TempDir: dir,
		})
		var rows []uint32
		for i, x := range all.batches {
			if x.Source != source {
				continue
			}
			rows = rows[:0]
			for r := range uint32(x.NumRows()) {
				rows = append(rows, r)
			}
			parts := all.parts[i]
			if err := g.Append(ctx, x.Record, rows, func(row uint32) uint32 { return parts[row] }); err != nil {
				return 0, err
			}
		}
		files, err := g.Finish()
		if err != nil {
			return 0, err
		}
		for _, f := range files {
			size += f.Size()
			if err := f.Close(); err != nil {
				return 0, err
			}
		}
	}
	return size, nil
}
