package plan

import (
	"context"
	"fmt"
	"path"
	"strings"
	"time"

	"datalake/pkg/batch"
	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/schema"
	"datalake/pkg/storage"
)

// DefaultSource is the source of objects that lie in no folder below the raw zone.
const DefaultSource = "default"

// Options say which objects of the raw zone are wanted. Consumed is needed; the zero value of the rest wants all.
type Options struct {
	// Consumed says whether the log has consumed this version of an object.
	Consumed func(key, etag string) bool
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
}

// List lists the raw zone.
func List(ctx context.Context, zone layout.Zone, o Options) (*Plan, error) {
	p := &Plan{}
	prefix := ""
	if zone.Prefix != "" {
		prefix = zone.Prefix + "/"
	}
	for info, err := range zone.Store.List(ctx, prefix, "") {
		if err != nil {
			return nil, fmt.Errorf("list the raw zone: %w", err)
		}
		rel := strings.TrimPrefix(info.Key, prefix)
		if name := path.Base(rel); name[0] == '.' || name[0] == '_' {
			p.Hidden++
			continue
		}
		obj := object(info, rel)
		day := time.UnixMilli(obj.Arrived).UTC().Truncate(24 * time.Hour)
		switch {
		case o.Source != "" && obj.Source != o.Source,
			!o.Since.IsZero() && day.Before(o.Since),
			!o.Until.IsZero() && day.After(o.Until):
			p.Unwanted++
		case !planted.Bug("skip-ledger") && o.Consumed(info.Key, info.ETag):
			p.Consumed++
		case o.Leave[info.Key], !o.ChangedBefore.IsZero() && !info.ModTime.Before(o.ChangedBefore) && !info.ModTime.After(o.Now):
			p.Young++
			if info.ModTime.After(p.Youngest) {
				p.Youngest = info.ModTime
			}
		case o.Max > 0 && len(p.Objects) == o.Max:
			p.Later++
		default:
			obj.Index = len(p.Objects)
			if o.RecordsAt != nil {
				obj.RecordsAt = o.RecordsAt(obj.Source)
			}
			p.Objects = append(p.Objects, obj)
			p.ModTimes = append(p.ModTimes, info.ModTime)
			p.Bytes += info.Size
		}
	}
	return p, nil
}

func object(info storage.Info, rel string) *batch.Object {
	raw := layout.ParseRaw(rel)
	o := &batch.Object{Key: info.Key, ETag: info.ETag, Size: info.Size, Source: DefaultSource, Arrived: info.ModTime.UnixMilli()}
	if raw.Source != "" {
		o.Source = schema.CleanSource(raw.Source)
	}
	if raw.Dated {
		const day = 24 * 60 * 60 * 1000
		if from := raw.Day * day; o.Arrived < from || o.Arrived >= from+day {
			o.Arrived = from
		}
	}
	return o
}
