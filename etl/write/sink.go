package write

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"hash"
	"io"
	"os"
)

// inMemory is up to which size a file waits in memory: 1 MiB. Many partitions may be open at once.
const inMemory = 1 << 20

// Sink takes the bytes of one file, hashes them, and gives them back from the start. Not safe for concurrent use.
type Sink struct {
	dir  string
	hash hash.Hash
	buf  bytes.Buffer
	file *os.File
	size int64
}

// NewSink makes a sink; its temporary file, if it comes to one, lies in dir (empty: the system's folder) without a name.
func NewSink(dir string) *Sink { return &Sink{dir: dir, hash: sha256.New()} }

func (s *Sink) Write(p []byte) (int, error) {
	s.hash.Write(p)
	s.size += int64(len(p))
	if s.file == nil {
		if s.buf.Len()+len(p) <= inMemory {
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
	if _, err := f.Write(s.buf.Bytes()); err != nil {
		return fmt.Errorf("write a temporary file: %w", err)
	}
	s.buf = bytes.Buffer{}
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
	return bytes.NewReader(s.buf.Bytes())
}

// Close gives memory and disk back.
func (s *Sink) Close() error {
	s.buf = bytes.Buffer{}
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return errors.Join(f.Close())
}
