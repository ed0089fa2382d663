package layout

import (
	"strconv"
	"strings"
	"time"
)

// RawKey is what a key of the raw zone says of its object.
type RawKey struct {
	// Source is the folder below the zone, unescaped (source=x is x); "" for an object right below the zone.
	Source string
	// Day is the day of the date folders in UTC, as days since 1970-01-01; meaningful if Dated.
	Day int64
	// Dated: the key has the folders year=YYYY/month=MM/day=DD (or YYYY/MM/DD), and they name a day that exists.
	Dated bool
}

// ParseRaw reads a path below the raw zone: <source>/year=YYYY/month=MM/day=DD/<name>, where the date folders are
// optional and other folders may stand anywhere after the source.
func ParseRaw(path string) RawKey {
	folders := strings.Split(path, "/")
	folders = folders[:len(folders)-1]
	if len(folders) == 0 {
		return RawKey{}
	}
	k := RawKey{Source: folders[0]}
	if v, ok := strings.CutPrefix(k.Source, "source="); ok {
		k.Source = v
	}
	k.Source = Unescape(k.Source)
	for i := 1; i+2 < len(folders); i++ {
		y, ok1 := dateFolder(folders[i], "year", 4)
		m, ok2 := dateFolder(folders[i+1], "month", 2)
		d, ok3 := dateFolder(folders[i+2], "day", 2)
		if !ok1 || !ok2 || !ok3 {
			continue
		}
		t := time.Date(y, time.Month(m), d, 0, 0, 0, 0, time.UTC)
		if t.Year() == y && int(t.Month()) == m && t.Day() == d {
			k.Day, k.Dated = t.Unix()/86400, true // exact: it is midnight
			return k
		}
	}
	return k
}

// dateFolder reads a number of the given digits (or fewer, where a key leads), with or without its key.
func dateFolder(folder, key string, digits int) (int, bool) {
	v, keyed := strings.CutPrefix(folder, key+"=")
	if len(v) > digits || !keyed && len(v) != digits || v == "" {
		return 0, false
	}
	for i := range len(v) {
		if v[i] < '0' || v[i] > '9' {
			return 0, false
		}
	}
	n, err := strconv.Atoi(v)
	return n, err == nil
}
