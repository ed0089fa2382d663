package input

import (
	"context"
	"errors"
	"io"

	"datalake/pkg/batch"
	"datalake/pkg/storage"
)

// tail is the length of a range's second request, which brings the rest of its last line.
const tail = 64 << 10

// source reads an object's raw bytes from an offset to its end.
type source struct {
	get  func(offset, length int64) (io.ReadCloser, error)
	obj  *batch.Object
	body io.ReadCloser
	pos  int64 // the next byte
	due  int64 // bytes still to come from body
	// first and next are the lengths of the coming request and of the one after it.
	first, next int64
	// recheck asks of each body that has been read whether it still is of the object; unsure: there was one that could not tell.
	recheck, unsure bool
	// err is the store's error, kept because decompressors replace what they read by errors of their own.
	err error
}

// newSource reads obj from offset on. The first request is for length bytes; further ones follow only as far as is
// read.
func newSource(ctx context.Context, store storage.Store, obj *batch.Object, offset, length int64, recheck bool) *source {
	get := func(offset, length int64) (io.ReadCloser, error) {
		body, _, err := store.Get(ctx, obj.Key, storage.GetOptions{IfMatch: obj.ETag, Offset: offset, Length: length})
		return body, err
	}
	return &source{get: get, obj: obj, pos: offset, first: length, next: tail, recheck: recheck}
}

// Read gives the store's errors as ObjectError.
func (s *source) Read(p []byte) (int, error) {
	if len(p) == 0 {
		return 0, nil
	}
	for s.err == nil {
		if s.body == nil {
			if s.pos >= s.obj.Size {
				return 0, io.EOF
			}
			s.due = min(s.first, s.obj.Size-s.pos)
			s.first, s.next = s.next, 4*s.next
			body, err := s.get(s.pos, s.due)
			if err != nil {
				s.err = err
				break
			}
			s.body = body
		}
		n, err := s.body.Read(p[:min(int64(len(p)), s.due)])
		s.pos += int64(n)
		s.due -= int64(n)
		switch {
		case s.due == 0:
			s.err = s.closeBody()
		case errors.Is(err, io.EOF):
			s.err = io.ErrUnexpectedEOF
		default:
			s.err = err
		}
		if n > 0 {
			return n, nil
		}
	}
	return 0, s.failure()
}

// close closes what is open.
func (s *source) close() error {
	if err := s.closeBody(); err != nil {
		return &ObjectError{Object: s.obj, Err: err}
	}
	return nil
}

// failure is the store's error, if there was one.
func (s *source) failure() error {
	if s.err == nil {
		return nil
	}
	return &ObjectError{Object: s.obj, Err: s.err}
}

// closeBody gives the body back and, first, has a last look at it.
func (s *source) closeBody() error {
	if s.body == nil {
		return nil
	}
	err := s.look()
	if cerr := s.body.Close(); err == nil {
		err = cerr
	}
	s.body = nil
	return err
}

// look asks the open body, which costs less than asking the store for the key. If somebody has put another object under the key, what was
// read is of the old one all the same.
func (s *source) look() error {
	if !s.recheck {
		return nil
	}
	l, ok := s.body.(storage.Looker)
	if !ok {
		s.unsure = true
		return nil
	}
	info, err := l.Look()
	if err == nil && info.ETag != s.obj.ETag {
		err = storage.ErrChanged
	}
	return err
}
