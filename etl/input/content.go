package input

import (
	"bufio"
	"errors"
	"fmt"
	"io"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/gunzip"
)

// maxZstdWindow is the largest zstd window that is read: what the format's own tool takes without being told.
const maxZstdWindow = 128 << 20

// breach is the error of content that cannot be read on. The bytes before it have been given.
type breach struct{ reason string }

func (e *breach) Error() string { return e.reason }

// compression is told by content's first bytes.
type compression uint8

const (
	plain compression = iota
	gzipped
	zstandard
)

func compressionOf(head []byte) compression {
	switch {
	case len(head) >= 2 && head[0] == 0x1f && head[1] == 0x8b:
		return gzipped
	case len(head) >= 4 && head[0] == 0x28 && head[1] == 0xb5 && head[2] == 0x2f && head[3] == 0xfd,
		len(head) >= 4 && head[0]&0xf0 == 0x50 && head[1] == 0x2a && head[2] == 0x4d && head[3] == 0x18:
		return zstandard
	}
	return plain
}

// content reads the decompressed content of a whole object. Errors are io.EOF, breach and ObjectError.
type content struct {
	io.Reader
	raw  *source
	br   *bufio.Reader
	gz   *gunzip.Reader
	zs   *zstd.Decoder
	bufs *Buffers
}

func openContent(raw *source, bufs *Buffers) (*content, error) {
	c := &content{raw: raw, bufs: bufs}
	c.br = bufs.reader(raw)
	head, err := c.br.Peek(4)
	if err != nil && !errors.Is(err, io.EOF) {
		c.close()
		return nil, raw.failure()
	}
	switch compressionOf(head) {
	case gzipped:
		c.gz = bufs.gzip()
		c.Reader = &members{c: c}
	case zstandard:
		if c.zs, err = bufs.zstd(); err == nil {
			err = c.zs.Reset(c.br)
		}
		if err != nil {
			c.close()
			return nil, fmt.Errorf("open zstd: %w", err)
		}
		c.Reader = &frames{c: c}
	default:
		c.Reader = c.br
	}
	return c, nil
}

// close gives the parts back. The object's body stays open; it is the source's.
func (c *content) close() {
	c.bufs.keep(c.br, c.gz, c.zs)
	c.br, c.gz, c.zs, c.Reader = nil, nil, nil, nil
}

// members reads the members of a gzip, one after the other.
type members struct {
	c    *content
	open bool
	n    int // members so far
	err  error
}

func (m *members) Read(p []byte) (int, error) {
	for m.err == nil {
		if !m.open {
			m.err = m.next()
			continue
		}
		n, err := m.c.gz.Read(p)
		switch {
		case errors.Is(err, io.EOF):
			m.open = false
		case err != nil:
			m.err = m.c.breach("gzip", err)
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, m.err
}

// next opens the next member. Zero bytes may stand before it, and at the end.
func (m *members) next() error {
	br := m.c.br
	for m.n > 0 {
		b, err := br.ReadByte()
		if errors.Is(err, io.EOF) {
			return io.EOF
		}
		if err != nil {
			return m.c.breach("gzip", err)
		}
		if b != 0 {
			if err := br.UnreadByte(); err != nil {
				return m.c.breach("gzip", err)
			}
			break
		}
	}
	if head, err := br.Peek(2); m.n > 0 && err == nil && compressionOf(head) != gzipped {
		return &breach{"bytes that are no gzip member follow the last one"}
	}
	if err := m.c.gz.Reset(br); err != nil {
		return m.c.breach("gzip", err)
	}
	m.open = true
	m.n++
	return nil
}

// frames reads the frames of a zstd stream.
type frames struct {
	c   *content
	err error
}

func (f *frames) Read(p []byte) (int, error) {
	n, err := f.c.zs.Read(p)
	switch {
	case err == nil:
	case f.err == nil && n > 0, f.err == nil && !errors.Is(err, io.EOF):
		// The decoder keeps back the block with the fault that only the frame's checksum or length showed. It comes on
		// the next call.
		f.err = err
		if n > 0 {
			return n, nil
		}
		return f.Read(p)
	case n > 0:
		return n, nil
	case errors.Is(err, io.EOF):
		if err := f.c.raw.failure(); err != nil {
			return 0, err
		}
		return 0, io.EOF
	default:
		return 0, f.c.breach("zstd", err)
	}
	return n, nil
}

// breach says what is wrong with compressed content, unless it was the store that failed.
func (c *content) breach(format string, err error) error {
	if err := c.raw.failure(); err != nil {
		return err
	}
	switch {
	case errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return &breach{format + " data ends early"}
	case errors.Is(err, gunzip.ErrChecksum), errors.Is(err, zstd.ErrCRCMismatch):
		return &breach{format + " checksum or length is wrong"}
	case errors.Is(err, gunzip.ErrHeader):
		return &breach{"gzip header is wrong"}
	case errors.Is(err, gunzip.ErrCorrupt):
		return &breach{"gzip data is corrupt"}
	case errors.Is(err, zstd.ErrMagicMismatch):
		return &breach{"bytes that are no zstd frame follow the last one"}
	case errors.Is(err, zstd.ErrWindowSizeExceeded), errors.Is(err, zstd.ErrDecoderSizeExceeded):
		return &breach{fmt.Sprintf("zstd window above %d MiB", maxZstdWindow>>20)}
	case errors.Is(err, zstd.ErrUnknownDictionary):
		return &breach{"zstd frame needs a dictionary"}
	}
	return &breach{fmt.Sprintf("%s data is corrupt: %v", format, err)}
}
