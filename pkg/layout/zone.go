package layout

import (
	"errors"
	"fmt"
	"strings"

	"datalake/pkg/storage"
)

// The names of the zones.
const (
	Raw        = "raw"
	Processed  = "processed"
	Quarantine = "quarantine"
	Curated    = "curated"
	State      = "state"
)

// ErrZone: a zone that cannot be used, or a key that does not lie in its zone.
var ErrZone = errors.New("not in the zone")

// Zone is a part of a lake: all objects of a store below a prefix. A value; safe for concurrent use.
type Zone struct {
	Store storage.Store
	// Prefix is a key without a slash at either end; never empty.
	Prefix string
	// Root is the URL of the store's root without a slash at its end, for the locations that readers are told:
	// file:///data, s3://bucket. Empty: locations are keys.
	Root string
}

// Check says whether the zone can be used: a store, a prefix that is a key, and no "@" at its end. The error is an
// ErrZone.
func (z Zone) Check() error {
	if z.Store == nil {
		return fmt.Errorf("%w: zone %q has no store", ErrZone, z.Prefix)
	}
	if err := storage.CheckKey(z.Prefix); err != nil {
		return fmt.Errorf("%w: prefix %q: %w", ErrZone, z.Prefix, err)
	}
	if strings.HasSuffix(z.Prefix, "@") {
		return fmt.Errorf("%w: prefix %q ends in @", ErrZone, z.Prefix)
	}
	return nil
}

// Key is the key of a path below the zone.
func (z Zone) Key(path string) string { return z.Prefix + "/" + path }

// Aside is the prefix of what lies beside the zone: the zone's with an @ behind it.
func (z Zone) Aside() string { return z.Prefix + "@" }

// Sub is the zone below a path of this one.
func (z Zone) Sub(path string) Zone {
	z.Prefix += "/" + path
	return z
}

// Owns says whether a key lies in the zone or in its aside.
func (z Zone) Owns(key string) bool {
	rest, ok := strings.CutPrefix(key, z.Prefix)
	return ok && (strings.HasPrefix(rest, "/") || strings.HasPrefix(rest, "@/"))
}

// Location is the URL of a key, whichever zone of the same store it is in. A directory's ends as dir does.
func (z Zone) Location(key string) string {
	if z.Root == "" {
		return key
	}
	return z.Root + "/" + key
}

// Rel is the path below the zone of a key in it. The error is an ErrZone.
func (z Zone) Rel(key string) (string, error) {
	rest, ok := strings.CutPrefix(key, z.Prefix+"/")
	if !ok || rest == "" {
		return "", fmt.Errorf("%w: %q below %q", ErrZone, key, z.Prefix)
	}
	return rest, nil
}

// FirstDir is the first directory of a partition, ending in a slash.
func (z Zone) FirstDir(partition string) string { return z.Prefix + "/" + partition + "/" }

// SwapDir is the directory that an attempt moves a partition to, ending in a slash.
func (z Zone) SwapDir(attempt, partition string) string {
	return z.AttemptPrefix(attempt) + "swap/" + partition + "/"
}

// ApartDir is where an attempt puts a partition whose path, or whose directory by FirstDir or SwapDir, lies above or below another one, as
// where a table was partitioned anew; ending in a slash. Of such paths no two are equally long.
func (z Zone) ApartDir(attempt, partition string) string {
	return fmt.Sprintf("%sapart%d/%s/", z.AttemptPrefix(attempt), 1+strings.Count(partition, "/"), partition)
}

// DataKey is where an attempt puts a finished data file aside. Files of all partitions lie in one folder: their names say what is in them,
// and a folder for each of 10,000 partitions takes as long to make as its file.
func (z Zone) DataKey(attempt, name string) string { return z.DataPrefix(attempt) + name }

// AttemptPrefix is what all keys of an attempt in the zone's aside begin with.
func (z Zone) AttemptPrefix(attempt string) string { return z.Aside() + "/" + attempt + "/" }

// DataPrefix is what the keys of all data files begin with that an attempt put aside.
func (z Zone) DataPrefix(attempt string) string { return z.AttemptPrefix(attempt) + "data/" }

// AsideKey is a key of a zone's aside, taken apart.
type AsideKey struct {
	Attempt string
	// Swap: in a directory of the table; else a data file that was put aside.
	Swap bool
	// Partition of a directory. Data files had one, too, when they lay in folders by partition; those of today have none.
	Partition string
	Name      string
}

// ParseAside takes a key of the zone's aside apart. It fails, with an ErrZone, on keys that the engine does not make.
func (z Zone) ParseAside(key string) (AsideKey, error) {
	rest, ok := strings.CutPrefix(key, z.Aside()+"/")
	attempt, rest, ok2 := strings.Cut(rest, "/")
	kind, rest, ok3 := strings.Cut(rest, "/")
	slash := strings.LastIndexByte(rest, '/')
	k := AsideKey{Attempt: attempt, Swap: kind != "data", Partition: rest[:max(slash, 0)], Name: rest[slash+1:]}
	if !ok || !ok2 || !ok3 || slash == 0 || k.Name == "" || kind != "data" && kind != "swap" && !strings.HasPrefix(kind, "apart") || k.Swap && k.Partition == "" {
		return AsideKey{}, fmt.Errorf("%w: %q is no key of %s/", ErrZone, key, z.Aside())
	}
	return k, nil
}
