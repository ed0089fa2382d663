package write

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"os"

	"datalake/pkg/parquetfile"
)

// inMemory is up to which size a file waits in memory where nobody counts it: 1 MiB.
const inMemory = 1 << 20

// Sink takes the bytes of one file, hashes them, and gives them back from the start. Not safe for concurrent use.
type Sink struct {
	dir  string
	keep func(n int64) bool // asks for memory, or gives it back; nil: inMemory is there
	hash hash.Hash
	buf  parquetfile.Buffer
	file *os.File
	size int64
}

// NewSink makes a sink; its temporary file, if it comes to one, lies in dir (empty: the system's folder) without a name.
func NewSink(dir string) *Sink { return &Sink{dir: dir, hash: sha256.New()} }

func (s *Sink) Write(p []byte) (int, error) {
	s.hash.Write(p)
	s.size += int64(len(p))
	if s.file == nil {
		if s.mayKeep(int64(len(p))) {
			return s.buf.Write(p)
		}
		if err := s.spill(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(p)
	if err != nil {
		err = fmt.Errorf("write a temporary file: %w", err)
	}
	return n, err
}

func (s *Sink) mayKeep(n int64) bool {
	if s.keep == nil {
		return s.buf.Len()+n <= inMemory
	}
	return s.keep(n)
}

// spill moves what waits in memory to a temporary file.
func (s *Sink) spill() (err error) {
	if s.file, err = tempFile(s.dir); err != nil {
		return err
	}
	if _, err := io.Copy(s.file, s.buf.Reader()); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	s.free()
	return nil
}

func (s *Sink) free() {
	if n := s.buf.Len(); n > 0 && s.keep != nil {
		s.keep(-n)
	}
	s.buf.Free()
}

// Size is how many bytes were written.
func (s *Sink) Size() int64 { return s.size }

// SHA256 is the hash of all bytes written so far, in hex.
func (s *Sink) SHA256() string { return hex.EncodeToString(s.hash.Sum(nil)) }

// Body reads what was written, from its start. Valid until Close.
func (s *Sink) Body() io.ReadSeeker {
	if s.file != nil {
		return io.NewSectionReader(s.file, 0, s.size)
	}
	return s.buf.Reader()
}

// Close gives memory and disk back.
func (s *Sink) Close() error {
	s.free()
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}
