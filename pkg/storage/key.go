package storage

import (
	"fmt"
	"strings"
	"unicode/utf8"
)

// MaxSegment is the longest part of a key between two slashes, in bytes: what file systems take as a name.
const MaxSegment = 255

// CheckKey says whether a store can hold an object of that key: UTF-8 without NUL; segments of 1 to MaxSegment bytes
// between single slashes, none of them "." or "..", no slash at either end. The error says what is wrong and is an
// ErrKey. A key that passes stays below the root when it is joined to a directory.
func CheckKey(key string) error {
	switch {
	case key == "":
		return fmt.Errorf("%w: empty", ErrKey)
	case key[0] == '/':
		return fmt.Errorf("%w: begins with a slash", ErrKey)
	case strings.IndexByte(key, 0) >= 0:
		return fmt.Errorf("%w: contains NUL", ErrKey)
	case !utf8.ValidString(key):
		return fmt.Errorf("%w: not UTF-8", ErrKey)
	}
	for segment := range strings.SplitSeq(key, "/") {
		switch {
		case segment == "":
			return fmt.Errorf("%w: empty segment", ErrKey)
		case segment == "." || segment == "..":
			return fmt.Errorf("%w: segment %q", ErrKey, segment)
		case len(segment) > MaxSegment:
			return fmt.Errorf("%w: segment of %d bytes, %d are allowed", ErrKey, len(segment), MaxSegment)
		}
	}
	return nil
}
