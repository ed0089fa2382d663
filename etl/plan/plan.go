package plan

import (
	"context"
	"fmt"
	"strings"
	"time"

	"datalake/pkg/batch"
	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/schema"
)

// DefaultSource is the source of objects that lie in no folder below the raw zone.
const DefaultSource = "default"

// Options say which objects of the raw zone are wanted. Consumed is needed; the zero value of the rest wants all.
type Options struct {
	// Consumed says whether the log has consumed this version of an object.
	Consumed func(key, etag string) (bool, error)
	// Again, if set, names consumed objects that are read again, whatever Source, Since and Until say.
	Again func(key, etag string) bool
	// RecordsAt gives a source's setting of that name.
	RecordsAt func(source string) string
	// Source narrows to one folder, Since and Until to arrival days, both included.
	Source       string
	Since, Until time.Time
	// ChangedBefore, if not zero, leaves out objects that were changed later, up to Now: they may still be written to. A time
	// after Now is that of another clock and says nothing.
	ChangedBefore, Now time.Time
	// Leave names objects to leave out, by key: they changed while an earlier try read them.
	Leave map[string]bool
	// Max is the most objects that a run takes; 0: all.
	Max int
}

// Plan is what a run reads, and why not more.
type Plan struct {
	// Objects in byte order of their keys; Index counts from 0.
	Objects []*batch.Object
	// ModTimes are the store's times of Objects.
	ModTimes []time.Time
	// Bytes in all objects.
	Bytes int64
	// Consumed, Unwanted, Young and Hidden count objects left out: known to the log, outside of Source, Since and Until, changed
	// too lately, and named like files that are not data (a name that begins with "." or "_"). Later counts those beyond Max.
	Consumed, Unwanted, Young, Hidden, Later int
	// Youngest is the time of the last change among the young.
	Youngest time.Time
	// Whole is what a sample was taken of, by source; nil: the plan is of all. See Sample.
	Whole []Folder
}

// Folder counts the objects of a source that are not empty.
type Folder struct {
	Source  string
	Objects int
	Bytes   int64
}

// List lists the raw zone.
func List(ctx context.Context, zone layout.Zone, o Options) (*Plan, error) {
	p := &Plan{}
	prefix := ""
	if zone.Prefix != "" {
		prefix = zone.Prefix + "/"
	}
	// What a key's folders say is worked out once a folder: most objects are consumed ones, of which nothing else is kept.
	var folder string
	var says place
	for info, err := range zone.Store.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list the raw zone: %w", err)
		}
		slash := strings.LastIndexByte(info.Key, '/') + 1
		if name := info.Key[slash:]; strings.HasPrefix(name, ".") || strings.HasPrefix(name, "_") {
			p.Hidden++
			continue
		}
		if says.source == "" || info.Key[:slash] != folder {
			folder = info.Key[:slash]
			says = placeOf(strings.TrimPrefix(info.Key, prefix))
			if o.RecordsAt != nil {
				says.recordsAt = o.RecordsAt(says.source)
			}
		}
		arrived := says.arrival(info.ModTime)
		again := o.Again != nil && o.Again(info.Key, info.ETag)
		if !again && !o.wants(says.source, arrived) {
			p.Unwanted++
			continue
		}
		consumed := false
		if !again {
			var err error
			if consumed, err = o.Consumed(info.Key, info.ETag); err != nil {
				return nil, fmt.Errorf("look up %s: %w", info.Key, err)
			}
		}
		switch {
		case consumed && !planted.Bug("skip-ledger"):
			p.Consumed++
		case o.Leave[info.Key], !o.ChangedBefore.IsZero() && !info.ModTime.Before(o.ChangedBefore) && !info.ModTime.After(o.Now):
			p.Young++
			if info.ModTime.After(p.Youngest) {
				p.Youngest = info.ModTime
			}
		case o.Max > 0 && len(p.Objects) == o.Max:
			p.Later++
		default:
			obj := &batch.Object{
				Index: len(p.Objects), Key: info.Key, ETag: info.ETag, Size: info.Size, Source: says.source, Arrived: arrived,
				RecordsAt: says.recordsAt,
			}
			p.Objects = append(p.Objects, obj)
			p.ModTimes = append(p.ModTimes, info.ModTime)
			p.Bytes += info.Size
		}
	}
	return p, nil
}

// Arrival is the time of an object of that key which the store has from modified: see batch.Object.Arrived.
func Arrival(zone layout.Zone, key string, modified time.Time) int64 {
	says := placeOf(strings.TrimPrefix(key, zone.Prefix+"/"))
	return says.arrival(modified)
}

// Source is the source of the folder that a key of the raw zone lies in.
func Source(zone layout.Zone, key string) string {
	return placeOf(strings.TrimPrefix(key, zone.Prefix+"/")).source
}

// wants says whether objects of that source that arrived then, in milliseconds since 1970, are asked for.
func (o *Options) wants(source string, arrived int64) bool {
	if o.Source != "" && source != o.Source {
		return false
	}
	if o.Since.IsZero() && o.Until.IsZero() {
		return true
	}
	day := time.UnixMilli(arrived).UTC().Truncate(24 * time.Hour)
	return !day.Before(o.Since) && (o.Until.IsZero() || !day.After(o.Until))
}

// place is what the folders of a key say of its object.
type place struct {
	source    string // never empty
	recordsAt string // the source's setting
	from      int64  // beginning of the day that the folders name, in milliseconds since 1970
	dated     bool   // they name one
}

func placeOf(rel string) place {
	const day = 24 * 60 * 60 * 1000
	raw := layout.ParseRaw(rel)
	p := place{source: DefaultSource, from: raw.Day * day, dated: raw.Dated}
	if raw.Source != "" {
		p.source = schema.CleanSource(raw.Source)
	}
	return p
}

// arrival is the store's time of the object, or the beginning of the day that the folders name if that is another day.
func (p place) arrival(t time.Time) int64 {
	const day = 24 * 60 * 60 * 1000
	arrived := t.UnixMilli()
	if p.dated && (arrived < p.from || arrived >= p.from+day) {
		return p.from
	}
	return arrived
}
