package write

import (
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"

	"datalake/pkg/parquetfile"
)

// inMemory is up to which size a file waits in memory. Its row group's pages were there before it, and their memory is what
// it takes: so nearly all files of a single row group wait there, and what a temporary file costs is kept for longer ones.
const inMemory = 16 << 20

// Sink takes the bytes of one file, hashes them, and gives them back from the start. Not safe for concurrent use.
type Sink struct {
	dir  string
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
		if s.buf.Len()+int64(len(p)) <= inMemory {
			return s.buf.Write(p)
		}
		if err := s.open(); err != nil {
			return 0, err
		}
	}
	n, err := s.file.Write(p)
	if err != nil {
		err = fmt.Errorf("write a temporary file: %w", err)
	}
	return n, err
}

func (s *Sink) open() error {
	f, err := os.CreateTemp(s.dir, "datalake-*")
	if err != nil {
		return fmt.Errorf("make a temporary file: %w", err)
	}
	s.file = f
	if err := os.Remove(f.Name()); err != nil {
		return fmt.Errorf("make a temporary file: %w", err)
	}
	if _, err := io.Copy(f, s.buf.Reader()); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	s.buf.Free()
	return nil
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
	s.buf.Free()
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return errors.Join(f.Close())
}
