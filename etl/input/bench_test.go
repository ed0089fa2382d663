package input

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"testing"

	"github.com/klauspost/compress/gzip"

	"datalake/pkg/storage"
)

func sensorLines(n int) string {
	var b bytes.Buffer
	for i := range n {
		fmt.Fprintf(&b, `{"record_id":"%016x","source":"iot","ingested_at":"2025-11-25T10:00:00.%03dZ","data":{"device_id":"sensor_%d","temperature":%d.5,"timestamp":"2025-11-25T09:59:%02dZ"}}`+"\n", i*7919, i%1000, i%500, i%40, i%60)
	}
	return b.String()
}

func BenchmarkUnits(b *testing.B) {
	text := sensorLines(100_000)
	array := "[" + text[:len(text)-1] + "]"
	array = string(bytes.ReplaceAll([]byte(array), []byte("}\n{"), []byte("},\n{")))
	for _, c := range []struct{ name, text, content string }{
		{"lines", text, text},
		{"array", array, array},
		{"lines gzip", gzipped2(b, text, 1), text},
		{"lines zstd", zstded(b, text, 1), text},
	} {
		b.Run(c.name, func(b *testing.B) {
			l := newLake(b, c.text)
			var bufs Buffers
			b.SetBytes(int64(len(c.content)))
			b.ReportAllocs()
			for b.Loop() {
				for task := range Tasks(l, l.objects, Options{}) {
					for u, err := range task.Units(context.Background(), &bufs) {
						if err != nil {
							b.Fatal(err)
						}
						bufs.Release(u)
					}
				}
			}
		})
	}
	b.Run("bare gzip", func(b *testing.B) {
		l := newLake(b, gzipped2(b, text, 1))
		b.SetBytes(int64(len(text)))
		var z gzip.Reader
		buf := make([]byte, 1<<20)
		for b.Loop() {
			r, _, err := l.Get(context.Background(), l.objects[0].Key, storage.GetOptions{})
			if err == nil {
				err = z.Reset(r)
			}
			for err == nil {
				_, err = z.Read(buf)
			}
			if err != io.EOF {
				b.Fatal(err)
			}
		}
	})
	b.Run("small objects", func(b *testing.B) {
		l := newLake(b)
		n := 0
		for range 5000 {
			record := sensorLines(3)
			n += len(record)
			l.put(b, record, "")
		}
		var bufs Buffers
		b.SetBytes(int64(n))
		b.ReportAllocs()
		for b.Loop() {
			for task := range Tasks(l, l.objects, Options{}) {
				for u, err := range task.Units(context.Background(), &bufs) {
					if err != nil {
						b.Fatal(err)
					}
					bufs.Release(u)
				}
			}
		}
	})
}
