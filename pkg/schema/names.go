package schema

import (
	"fmt"
	"slices"
	"strings"

	"github.com/zeebo/xxh3"
)

// The names that no data column gets, in any table. In a table that is partitioned by the hour, hour is one more.
var reserved = []string{
	string(RecordID), string(EventTime), string(IngestedAt), string(Quality), string(Rescued), string(Key), "source", "year", "month", "day",
}

// Reserved lists the names that no data column gets. The slice is the caller's.
func Reserved() []string { return slices.Clone(reserved) }

// The longest names, in bytes: what the Glue Data Catalog takes for a column, and what fits a folder's name with room.
const (
	maxColumnName = 255
	maxSourceName = 128
)

// Name is the column name of one path.
type Name struct {
	Path Path
	Name string
	// Changed: the plain name was not free, so that the name has a suffix. Why then says what was in the way, for a
	// warning; it is empty otherwise.
	Changed bool
	Why     string
}

// Names gives each path its column name, by a rule that knows the paths and the names that are there already, and
// nothing else. The result has the order of paths; the name of a path does not depend on that order. Paths must differ.
//
// The plain name joins a path's keys by _; in a table of enveloped records a leading data is left out. Letters A–Z become
// small, every other character outside [a-z0-9_] becomes _, a leading digit gets a _ before it, an empty name is _. A
// name above 255 bytes is cut and gets a suffix.
//
// A plain name that is reserved or taken gets a suffix: _ and the first 6 hex digits of the hash of the path's text. Of new
// paths with one plain name, the path that is spelled just so keeps it, else the first by the bytes of its text; the others
// get their suffix. Where a name with its suffix is not free either, the suffix is longer.
func Names(paths []Path, enveloped bool, taken map[string]bool) []Name {
	type candidate struct {
		at          int
		text, plain string
		exact       bool // the name is the path's text
	}
	all := make([]candidate, len(paths))
	for i, p := range paths {
		c := candidate{at: i, text: p.String(), plain: PlainName(p, enveloped)}
		rel := relative(p, enveloped)
		c.exact = len(rel) == 1 && c.plain == rel[0]
		all[i] = c
	}
	slices.SortFunc(all, func(a, b candidate) int {
		switch {
		case a.exact && !b.exact:
			return -1
		case b.exact && !a.exact:
			return 1
		}
		return strings.Compare(a.text, b.text)
	})
	// First who keeps a plain name, so that no suffixed name can take it away.
	out := make([]Name, len(paths))
	owner := make(map[string]string, len(paths)) // name → text of the new path that has it
	free := func(n string) bool { return owner[n] == "" && !taken[n] && !slices.Contains(reserved, n) }
	for _, c := range all {
		out[c.at] = Name{Path: paths[c.at], Name: c.plain}
		if free(c.plain) && len(c.plain) <= maxColumnName {
			owner[c.plain] = c.text
		} else {
			out[c.at].Changed = true
		}
	}
	for _, c := range all {
		n := &out[c.at]
		if !n.Changed {
			continue
		}
		n.Name = suffixed(c.plain, c.text, maxColumnName, free)
		var why string
		switch {
		case slices.Contains(reserved, c.plain):
			why = "is reserved"
		case len(c.plain) > maxColumnName:
			why = fmt.Sprintf("is longer than %d bytes", maxColumnName)
		case owner[c.plain] != "":
			why = "is that of " + short(owner[c.plain])
		default:
			why = "is taken by another column"
		}
		n.Why = fmt.Sprintf("%s is column %s: the name %s %s", short(c.text), short(n.Name), short(c.plain), why)
		owner[n.Name] = c.text
	}
	return out
}

// suffixed gives plain with the first suffix of text's hash that makes it free, at most limit bytes in all.
func suffixed(plain, text string, limit int, free func(string) bool) string {
	for ; ; text += "\x00" {
		h := xxh3.HashString128(text)
		hex := fmt.Sprintf("%016x%016x", h.Hi, h.Lo)
		for n := 6; n <= len(hex); n += 2 {
			name := plain[:min(len(plain), limit-1-n)] + "_" + hex[:n]
			if free(name) {
				return name
			}
		}
	}
}

func short(name string) string {
	if len(name) > 60 {
		return name[:60] + "…"
	}
	return name
}

// clean makes A–Z small and all else outside [a-z0-9_] a _, character by character.
func clean(s string) string {
	return strings.Map(func(r rune) rune {
		switch {
		case r >= 'A' && r <= 'Z':
			return r + 'a' - 'A'
		case r >= 'a' && r <= 'z', r >= '0' && r <= '9', r == '_':
			return r
		}
		return '_'
	}, s)
}

// CleanSource gives the name by which a source is known in tables and folders: A–Z small, all else outside [a-z0-9_] a _,
// _ for an empty name. A name above 128 bytes is cut and ends in a hash of the whole; so does data, whose table would have the
// name of the one that spans all sources.
func CleanSource(name string) string {
	s := clean(name)
	switch {
	case s == "":
		return "_"
	case len(s) > maxSourceName, s == "data":
		return suffixed(s, name, maxSourceName, func(string) bool { return true })
	}
	return s
}

// PlainName gives the plain name of a path: that of Names, without regard to other names.
func PlainName(p Path, enveloped bool) string {
	s := clean(strings.Join(relative(p, enveloped), "_"))
	if s == "" || s[0] >= '0' && s[0] <= '9' {
		return "_" + s
	}
	return s
}

// relative is the part of a path that makes its name.
func relative(p Path, enveloped bool) Path {
	if enveloped && len(p) > 1 && p[0] == "data" {
		return p[1:]
	}
	return p
}
