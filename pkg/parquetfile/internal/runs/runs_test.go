package runs

import (
	"slices"
	"testing"

	"github.com/parquet-go/parquet-go/encoding/delta"
	"github.com/parquet-go/parquet-go/encoding/rle"
)

// What was encoded comes back; what was not does no harm, and gives no more values than asked for.
func FuzzDecode(f *testing.F) {
	f.Add([]byte{3, 5, 1, 2}, 3, 10)
	f.Add([]byte{0xfe, 0xff, 0xff, 0xff, 0x0f, 1}, 1, 100)
	f.Add([]byte{}, 0, 0)
	f.Add([]byte{16, 16, 3, 1, 2, 3}, 32, 20)
	f.Fuzz(func(t *testing.T, b []byte, width, n int) {
		if width < 0 || width > 32 || n < 0 || n > 1<<16 {
			return
		}
		v, err := Decode([]int32(nil), b, width, n)
		if err == nil && len(v) != n || len(v) > n {
			t.Errorf("%d values, want %d", len(v), n)
		}
		for _, x := range v {
			if uint64(uint32(x))>>width != 0 {
				t.Errorf("%d has more than %d bits", x, width)
			}
		}
		if err != nil || width == 0 {
			return
		}
		enc, err := (&rle.Encoding{BitWidth: width}).EncodeInt32(nil, v)
		if err != nil {
			t.Fatal(err)
		}
		if back, err := Decode([]int32(nil), enc, width, n); err != nil || !slices.Equal(back, v) {
			t.Errorf("%v comes back as %v, %v", v, back, err)
		}
	})
}

// What CheckDelta lets pass, the decoder decodes; what the encoder makes, passes.
func FuzzCheckDelta(f *testing.F) {
	good, _ := new(delta.BinaryPackedEncoding).EncodeInt64(nil, []int64{1, 5, -9, 1 << 60, 3})
	f.Add(good, 5)
	f.Add([]byte{0x80, 1, 4, 0, 0}, 0)
	f.Add([]byte{0x80, 1, 4, 200, 1, 0}, 200)
	f.Fuzz(func(t *testing.T, b []byte, n int) {
		if n < 0 || n > 1<<16 {
			return
		}
		if k, err := CheckDelta(b, n, 64); err == nil {
			v, err := new(delta.BinaryPackedEncoding).DecodeInt64(nil, b[:k])
			if err != nil || len(v) != n {
				t.Fatalf("%d values, want %d: %v", len(v), n, err)
			}
			enc, _ := new(delta.BinaryPackedEncoding).EncodeInt64(nil, v)
			if k, err := CheckDelta(append(enc, 1, 2, 3), n, 64); err != nil || k != len(enc) {
				t.Errorf("%d of %d bytes, %v", k, len(enc), err)
			}
		}
		if k, err := CheckDelta(b, n, 32); err == nil {
			// The first value may be out of range: that the decoder says itself.
			_, _ = new(delta.BinaryPackedEncoding).DecodeInt32(nil, b[:k])
		}
	})
}
