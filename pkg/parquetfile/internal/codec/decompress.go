package codec

import (
	"errors"
	"fmt"
	"sync"

	"github.com/klauspost/compress/snappy"
	"github.com/klauspost/compress/zstd"
	"github.com/parquet-go/parquet-go/format"
)

// MaxSize is the size of the largest body that is decompressed, and so of the largest that may be written.
const MaxSize = 1 << 30

// ErrUnknown: the codec is none of Uncompressed, Snappy and Zstd.
var ErrUnknown = errors.New("compression")

var decoders = sync.Pool{New: func() any {
	d, err := zstd.NewReader(nil, zstd.WithDecoderConcurrency(1), zstd.WithDecoderMaxMemory(MaxSize))
	if err != nil {
		return err
	}
	return d
}}

// Decompress returns a page's body of size bytes, at most MaxSize: in dst's memory, or src itself where codec is
// Uncompressed. An unknown codec is ErrUnknown; any other error tells of damaged bytes.
func Decompress(dst, src []byte, size int, codec format.CompressionCodec) ([]byte, error) {
	var err error
	switch codec {
	case format.Uncompressed:
		dst = src
	case format.Snappy:
		n, err := snappy.DecodedLen(src)
		if err != nil || n != size {
			return nil, fmt.Errorf("a snappy page of %d bytes, the header says %d (%v)", n, size, err)
		}
		if dst, err = snappy.Decode(dst[:cap(dst)], src); err != nil {
			return nil, fmt.Errorf("snappy: %w", err)
		}
	case format.Zstd:
		switch d := decoders.Get().(type) {
		case *zstd.Decoder:
			// A damaged size must not reserve more than the bytes could plausibly hold.
			if want := min(size, 64*len(src)+4096); cap(dst) < want {
				dst = make([]byte, 0, want)
			}
			dst, err = d.DecodeAll(src, dst[:0])
			decoders.Put(d)
			if err != nil {
				return nil, fmt.Errorf("zstd: %w", err)
			}
		case error:
			return nil, d
		}
	default:
		return nil, fmt.Errorf("%w %s", ErrUnknown, codec)
	}
	if len(dst) != size {
		return nil, fmt.Errorf("a page of %d bytes, the header says %d", len(dst), size)
	}
	return dst, nil
}
