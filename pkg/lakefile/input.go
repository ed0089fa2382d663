package lakefile

import (
	"fmt"
	"strconv"
	"strings"

	"datalake/pkg/lakefile/grammar"
)

// The values of Input.InvalidUTF8.
const (
	InvalidQuarantine = "quarantine"
	InvalidReplace    = "replace"
)

// The limits of Input where nothing is said, and the highest.
const (
	DefaultMaxDepth  = 512
	DefaultMaxRecord = 64 << 20
	highestRecord    = 256 << 20
)

// Input says how the text of raw objects is read, whatever source its records are of. The zero value is the default.
type Input struct {
	// InvalidUTF8 is what becomes of records with invalid UTF-8 or escapes of lone surrogates: quarantine, or replace
	// (each becomes U+FFFD). Empty means quarantine.
	InvalidUTF8 string
	// MaxDepth is how deep objects and arrays may be nested; 0 means DefaultMaxDepth.
	MaxDepth int
	// MaxRecord is the largest record in bytes; 0 means DefaultMaxRecord.
	MaxRecord int64
}

func (r *reader) input(n *node, key string) (in Input) {
	o := grammar.Input
	m := r.fields(n, key, o)
	if v := m["invalid_utf8"]; v != nil {
		in.InvalidUTF8, _ = r.word(v, join(key, "invalid_utf8"), o.Words("invalid_utf8")...)
	}
	if v := m["max_depth"]; v != nil {
		f := o.Field("max_depth").Value
		in.MaxDepth, _ = r.integer(v, join(key, "max_depth"), f.Low, f.High)
	}
	if v := m["max_record"]; v != nil {
		k := join(key, "max_record")
		const allowed = "a size from 1KiB to 256MiB, such as 64MiB"
		if s, ok := r.text(v, k, allowed); ok {
			size, ok := bytesOf(s)
			if !ok || size < 1<<10 || size > highestRecord {
				r.bad(v, k, fmt.Sprintf("%q is no such size", s), allowed)
			}
			in.MaxRecord = size
		}
	}
	return in
}

// bytesOf reads a size: an integer, with KiB or MiB behind it, or bytes.
func bytesOf(s string) (int64, bool) {
	factor := int64(1)
	for unit, f := range map[string]int64{"KiB": 1 << 10, "MiB": 1 << 20} {
		if n, ok := strings.CutSuffix(s, unit); ok {
			s, factor = strings.TrimRight(n, " "), f
		}
	}
	n, err := strconv.ParseInt(s, 10, 32)
	return n * factor, err == nil && n > 0
}
