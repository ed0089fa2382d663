package layout

import (
	"errors"
	"fmt"
	"strings"
	"unicode/utf8"

	"datalake/pkg/storage"
)

// Null is what a partition path says for a value that is null or empty.
const Null = "__HIVE_DEFAULT_PARTITION__"

// ErrPartition: a value that no partition path can hold, or a path that is none.
var ErrPartition = errors.New("invalid partition")

// Value is one key of a partition path with its value, unescaped. A null is the empty value.
type Value struct{ Key, Value string }

// Path is the partition path of the values in their order, without a slash at either end. Its errors are ErrPartition:
// no values, a key that is not a name of [a-z0-9_], a value that is not UTF-8 or, escaped, too long for a file name.
func Path(values ...Value) (string, error) {
	if len(values) == 0 {
		return "", fmt.Errorf("%w: no values", ErrPartition)
	}
	var b []byte
	for i, v := range values {
		if !isName(v.Key) {
			return "", fmt.Errorf("%w: key %q", ErrPartition, v.Key)
		}
		if i > 0 {
			b = append(b, '/')
		}
		from := len(b)
		b = AppendSegment(b, v.Key, v.Value)
		if n := len(b) - from; n > storage.MaxSegment {
			return "", fmt.Errorf("%w: the value of %s takes %d bytes, %d are allowed", ErrPartition, v.Key, n, storage.MaxSegment)
		}
		if !utf8.ValidString(v.Value) {
			return "", fmt.Errorf("%w: the value of %s is not UTF-8", ErrPartition, v.Key)
		}
	}
	return string(b), nil
}

// AppendSegment appends key=value, the value escaped. It checks nothing.
func AppendSegment(dst []byte, key, value string) []byte {
	dst = append(append(dst, key...), '=')
	if value == "" {
		return append(dst, Null...)
	}
	return AppendEscaped(dst, value)
}

// AppendEscaped appends a value in which the bytes that Hive escapes are written as %XX.
func AppendEscaped(dst []byte, value string) []byte {
	const hex = "0123456789ABCDEF"
	for i := range len(value) {
		if c := value[i]; escaped(c) {
			dst = append(dst, '%', hex[c>>4], hex[c&15])
		} else {
			dst = append(dst, c)
		}
	}
	return dst
}

// escaped: the bytes that Hive's FileUtils escapes.
func escaped(c byte) bool {
	if c < 0x20 || c == 0x7f {
		return true
	}
	switch c {
	case '"', '#', '%', '\'', '*', '/', ':', '=', '?', '\\', '{', '[', ']', '^':
		return true
	}
	return false
}

// Unescape reads an escaped value. As in Hive, a % that two hex digits do not follow stands for itself.
func Unescape(s string) string {
	if strings.IndexByte(s, '%') < 0 {
		return s
	}
	b := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] == '%' && i+2 < len(s) {
			if hi, lo := digit(s[i+1]), digit(s[i+2]); hi < 16 && lo < 16 {
				b = append(b, hi<<4|lo)
				i += 2
				continue
			}
		}
		b = append(b, s[i])
	}
	return string(b)
}

func digit(c byte) byte {
	switch {
	case c >= '0' && c <= '9':
		return c - '0'
	case c >= 'a' && c <= 'f':
		return c - 'a' + 10
	case c >= 'A' && c <= 'F':
		return c - 'A' + 10
	}
	return 255
}

// ParsePath reads a partition path. Its errors are ErrPartition.
func ParsePath(path string) ([]Value, error) {
	var values []Value
	for segment := range strings.SplitSeq(path, "/") {
		key, value, ok := strings.Cut(segment, "=")
		if !ok || !isName(key) || value == "" {
			return nil, fmt.Errorf("%w: %q in %q", ErrPartition, segment, path)
		}
		if value == Null {
			value = ""
		}
		values = append(values, Value{key, Unescape(value)})
	}
	return values, nil
}

// SourceOf is the source that a partition path is of: the value of its first key, which must be source; else "".
func SourceOf(path string) string {
	first, _, _ := strings.Cut(path, "/")
	value, ok := strings.CutPrefix(first, "source=")
	if !ok || value == Null {
		return ""
	}
	return Unescape(value)
}

func isName(s string) bool {
	for i := range len(s) {
		if c := s[i]; c != '_' && (c < '0' || c > '9') && (c < 'a' || c > 'z') {
			return false
		}
	}
	return s != ""
}
