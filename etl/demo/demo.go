package demo

import (
	"bytes"
	"context"
	"fmt"
	"time"

	"datalake/pkg/storage"
)

// Options say what is made. The zero value is good.
type Options struct {
	// Seed chooses the random values; every value gives another lake of the same shape.
	Seed uint64
	// Records is about how many records the first drop has, over all sources; 0 means DefaultRecords. At least
	// MinRecords are made. The second drop has about a tenth of it.
	Records int
}

// Bounds of Options.Records.
const (
	DefaultRecords = 150_000
	MinRecords     = 600
)

func (o Options) withDefaults() Options {
	if o.Records == 0 {
		o.Records = DefaultRecords
	}
	o.Records = max(o.Records, MinRecords)
	return o
}

// Drops is how many drops there are, numbered from 1.
const Drops = 2

// Object is one raw object that was written.
type Object struct {
	Key string
	// Arrived is the time at which the object is meant to have landed, inside the day of its folder. Who writes to a
	// directory may set the file's time to it.
	Arrived time.Time
}

// Source says what a drop planted in one source. A run over the drop reads Records, of which Duplicates are repetitions
// (of this drop or the one before it) and Broken can only go to the quarantine.
type Source struct {
	Name                        string
	Records, Duplicates, Broken int64
}

// Drop is what Generate wrote.
type Drop struct {
	Objects []Object
	Bytes   int64
	Sources []Source
}

// Generate writes one drop (1 or 2) below prefix, as <prefix>/<source>/year=…/month=…/day=…/<timestamp>-<id>.json[.gz|.zst].
// Objects that are there already are replaced. Drop 2 belongs to the drop 1 of the same options.
func Generate(ctx context.Context, store storage.Store, prefix string, drop int, o Options) (*Drop, error) {
	if drop < 1 || drop > Drops {
		return nil, fmt.Errorf("generate drop %d: there are drops 1 to %d", drop, Drops)
	}
	o = o.withDefaults()
	out := &Drop{}
	for _, s := range sources {
		planted, err := newMaker(s, o).drop(drop, func(x object) error {
			key := storageKey(prefix, s.name, x)
			if _, err := store.Put(ctx, key, bytes.NewReader(x.body), storage.PutOptions{}); err != nil {
				return fmt.Errorf("write demo object: %w", err)
			}
			out.Objects = append(out.Objects, Object{key, x.arrived})
			out.Bytes += int64(len(x.body))
			return nil
		})
		if err != nil {
			return nil, err
		}
		out.Sources = append(out.Sources, planted)
	}
	return out, nil
}

func storageKey(prefix, source string, x object) string {
	if prefix != "" {
		prefix += "/"
	}
	return fmt.Sprintf("%s%s/year=%04d/month=%02d/day=%02d/%s-%s.json%s", prefix, source,
		x.arrived.Year(), x.arrived.Month(), x.arrived.Day(), x.arrived.Format("20060102T150405Z"), x.id, x.suffix)
}
