// Package ndjson reads files of lines that are compressed with zstd, as the quarantine's are. It does not look into the lines.
package ndjson

import (
	"bufio"
	"bytes"
	"errors"
	"io"
	"iter"

	"github.com/klauspost/compress/zstd"
)

// Lines yields the lines of a compressed file without their line feeds; those that are blank are left out. A line is valid until
// the next one. An error, of r or because it is no zstd, ends it. No goroutine is started.
func Lines(r io.Reader) iter.Seq2[[]byte, error] {
	return func(yield func([]byte, error) bool) {
		z, err := zstd.NewReader(r, zstd.WithDecoderConcurrency(1))
		if err != nil {
			yield(nil, err)
			return
		}
		defer z.Close()
		lines := bufio.NewReaderSize(z, 64<<10)
		var long []byte
		for {
			line, err := lines.ReadSlice('\n')
			if errors.Is(err, bufio.ErrBufferFull) {
				long = append(long, line...)
				continue
			}
			if err != nil && !errors.Is(err, io.EOF) {
				yield(nil, err)
				return
			}
			if len(long) > 0 {
				long = append(long, line...)
				line = long
			}
			if line := bytes.TrimSpace(line); len(line) > 0 && !yield(line, nil) || err != nil {
				return
			}
			long = long[:0]
		}
	}
}
