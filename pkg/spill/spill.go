// Package spill keeps what waits between the steps of a run: in memory up to a budget, then in temporary files. A file has no
// name, so that nothing is left behind however the process ends.
package spill

import (
	"errors"
	"fmt"
	"os"
	"sync"
)

// Extent is where a piece lies in a File.
type Extent struct{ Offset, Length int64 }

// File is a temporary file that grows by pieces. It is made by the first Append. Safe for concurrent use.
type File struct {
	dir  string
	mu   sync.Mutex
	file *os.File
	size int64
}

// NewFile gives a file in dir; empty means the system's folder for temporary files.
func NewFile(dir string) *File { return &File{dir: dir} }

// Append writes p behind all other pieces.
func (f *File) Append(p []byte) (Extent, error) {
	file, e, err := f.reserve(int64(len(p)))
	if err != nil {
		return Extent{}, err
	}
	if _, err := file.WriteAt(p, e.Offset); err != nil {
		return Extent{}, fmt.Errorf("write %d bytes to a temporary file in %s: %w", len(p), f.folder(), err)
	}
	return e, nil
}

func (f *File) reserve(n int64) (*os.File, Extent, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		file, err := os.CreateTemp(f.dir, "datalake-*")
		if err == nil {
			if err = os.Remove(file.Name()); err != nil {
				err = errors.Join(err, file.Close())
			}
		}
		if err != nil {
			return nil, Extent{}, fmt.Errorf("make a temporary file in %s: %w", f.folder(), err)
		}
		f.file = file
	}
	e := Extent{f.size, n}
	f.size += n
	return f.file, e, nil
}

func (f *File) folder() string {
	if f.dir == "" {
		return os.TempDir()
	}
	return f.dir
}

// Read fills dst, which is as long as the extent, with a piece.
func (f *File) Read(e Extent, dst []byte) error {
	f.mu.Lock()
	file := f.file
	f.mu.Unlock()
	if file == nil {
		return errors.New("read a temporary file that is not there")
	}
	if _, err := file.ReadAt(dst[:e.Length], e.Offset); err != nil {
		return fmt.Errorf("read a temporary file back: %w", err)
	}
	return nil
}

// Size is how many bytes were appended.
func (f *File) Size() int64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.size
}

// Close gives the space back. Closing twice, or a file that was never made, is fine.
func (f *File) Close() error {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.file == nil {
		return nil
	}
	file := f.file
	f.file = nil
	return file.Close()
}
