package write

import (
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"sync/atomic"
)

// defaultMemory is what the finished pages and files of a group may take in memory where Options do not say: 16 MiB.
const defaultMemory = 16 << 20

// spool is where a group's finished pages wait for their file's row group to end: in memory while they may, then in a temporary
// file without a name. So a group's memory does not grow with its files, of which many may be open, with up to 128 MiB of pages
// each. It counts the finished files that wait in memory, too.
type spool struct {
	dir  string
	keep func(n int64) bool // asks for memory, or gives it back
	kept atomic.Int64       // by pages, and not yet given back

	mu   sync.Mutex
	file *os.File
	size int64
}

func newSpool(dir string, keep func(n int64) bool) *spool {
	if keep == nil {
		var used atomic.Int64
		keep = func(n int64) bool {
			if used.Add(n) > defaultMemory && n > 0 {
				used.Add(-n)
				return false
			}
			return true
		}
	}
	return &spool{dir: dir, keep: keep}
}

// Keep implements parquetfile.Spool.
func (s *spool) Keep(n int64) bool {
	ok := s.keep(n)
	if ok {
		s.kept.Add(n)
	}
	return ok
}

// Write implements parquetfile.Spool.
func (s *spool) Write(p []byte) (at int64, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.file == nil {
		if s.file, err = tempFile(s.dir); err != nil {
			return 0, err
		}
	}
	at = s.size
	if _, err := s.file.WriteAt(p, at); err != nil {
		return 0, fmt.Errorf("write a temporary file: %w", err)
	}
	s.size += int64(len(p))
	return at, nil
}

// Read implements parquetfile.Spool.
func (s *spool) Read(at int64, p []byte) error {
	s.mu.Lock()
	file := s.file
	s.mu.Unlock()
	if file == nil {
		return io.ErrUnexpectedEOF
	}
	if _, err := file.ReadAt(p, at); err != nil {
		return fmt.Errorf("read a temporary file: %w", err)
	}
	return nil
}

// close gives back the disk, and the memory of pages whose files were given up.
func (s *spool) close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := s.kept.Swap(0); n > 0 {
		s.keep(-n)
	}
	if s.file == nil {
		return nil
	}
	f := s.file
	s.file = nil
	return f.Close()
}

// tempFile makes a file without a name in dir.
func tempFile(dir string) (*os.File, error) {
	f, err := os.CreateTemp(dir, "datalake-*")
	if err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", err)
	}
	if err := os.Remove(f.Name()); err != nil {
		return nil, fmt.Errorf("make a temporary file: %w", errors.Join(err, f.Close()))
	}
	return f, nil
}
