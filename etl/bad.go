package etl

import (
	"bytes"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"datalake/etl/write"
	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// ErrBad: more records were to be set aside than Job.MaxBad allows. Nothing was decided, the objects are still pending, and
// the rejects are kept; see Bad.
var ErrBad = errors.New("too many bad records")

// MaxBad is how much of what a run reads it may set aside. The zero value allows nothing bad; a nil one in a Job allows all.
type MaxBad struct {
	// Records of the run in all. Used where Share is 0.
	Records int64
	// Share of the records of each source of the run, above 0 and at most 1. It is judged source by source, so that the good records
	// of a large source do not hide that a small one is broken.
	Share float64
}

// ParseMaxBad reads a number of records (100) or a share (5%, 0.1%).
func ParseMaxBad(s string) (*MaxBad, error) {
	wrong := fmt.Errorf("%q: write a share as 5%%, above 0%% and up to 100%%, or a number of records", s)
	if percent, ok := strings.CutSuffix(s, "%"); ok {
		f, err := strconv.ParseFloat(strings.TrimSpace(percent), 64)
		if err != nil || math.IsNaN(f) || f <= 0 || f > 100 {
			return nil, wrong
		}
		return &MaxBad{Share: f / 100}, nil
	}
	n, err := strconv.ParseInt(s, 10, 64)
	if err != nil || n < 0 {
		return nil, wrong
	}
	return &MaxBad{Records: n}, nil
}

func (m MaxBad) String() string {
	if m.Share > 0 {
		return strconv.FormatFloat(100*m.Share, 'g', 6, 64) + "%"
	}
	return strconv.FormatInt(m.Records, 10)
}

// exceeded says where the limit is passed: the source, or "" for the run as a whole.
func (m MaxBad) exceeded(counts map[string]*sourceCounts) (source string, in, bad int64, ok bool) {
	if m.Share > 0 {
		for _, source := range slices.Sorted(maps.Keys(counts)) {
			if c := counts[source]; float64(c.rejected) > m.Share*float64(c.in) {
				return source, c.in, c.rejected, true
			}
		}
		return "", 0, 0, false
	}
	for _, c := range counts {
		in += c.in
		bad += c.rejected
	}
	return "", in, bad, bad > m.Records
}

// Bad says that a run ended because of ErrBad, and where its rejects are kept.
type Bad struct {
	// Attempt names the folder state/processed/bad/<attempt>/ that holds them, in files like those of the quarantine.
	Attempt string `json:"attempt"`
	// Limit as MaxBad gives it.
	Limit string `json:"limit"`
	// Source that passed it; empty: the run as a whole.
	Source string `json:"source,omitempty"`
	// Records that were read, and those of them that are bad: of the source, or of the run.
	Records int64 `json:"records"`
	Bad     int64 `json:"bad"`
	// Rules counts the bad ones by rule.
	Rules map[string]int64 `json:"rules"`
}

// BadError is the ErrBad of one run.
type BadError struct{ Bad }

func (e *BadError) Error() string {
	of := "records"
	if e.Source != "" {
		of = "records of " + e.Source
	}
	var rules []string
	for rule := range maps.Keys(e.Rules) {
		rules = append(rules, rule)
	}
	slices.SortFunc(rules, func(a, b string) int { return cmp.Or(cmp.Compare(e.Rules[b], e.Rules[a]), cmp.Compare(a, b)) })
	for i, rule := range rules {
		rules[i] = fmt.Sprintf("%s %d", rule, e.Rules[rule])
	}
	return fmt.Sprintf("%v: %d of %d %s (%.2f %%), the limit is %s; by rule: %s; nothing was decided or published",
		ErrBad, e.Bad.Bad, e.Records, of, 100*float64(e.Bad.Bad)/float64(max(e.Records, 1)), e.Limit, strings.Join(rules, ", "))
}

// Is says that it is an ErrBad.
func (e *BadError) Is(target error) bool { return target == ErrBad }

// tooBad ends the run, after map, where more was set aside than the job allows: it keeps the rejects where people find them, and
// gives a BadError.
func (w *work) tooBad(ctx context.Context) error {
	if w.job.MaxBad == nil {
		return nil
	}
	source, in, bad, ok := w.job.MaxBad.exceeded(w.mapped.counts)
	if !ok {
		return nil
	}
	e := &BadError{Bad{Attempt: w.attempt.ID, Limit: w.job.MaxBad.String(), Source: source, Records: in, Bad: bad, Rules: map[string]int64{}}}
	for name, c := range w.mapped.counts {
		if source == "" || source == name {
			addTo(e.Rules, c.rules)
		}
	}
	if err := w.keepBad(ctx, e); err != nil {
		return fmt.Errorf("keep the rejects of a run with too many: %w", err)
	}
	return e
}

// keepBad writes the rejects, and last what they are, below the log's zone: they belong to no table.
func (w *work) keepBad(ctx context.Context, e *BadError) (err error) {
	z := w.lake.Log.Zone()
	for _, p := range w.mapped.rejects.Parts() {
		if err := ctx.Err(); err != nil {
			return err
		}
		sink := write.NewSink(w.job.TempDir)
		if err = w.mapped.rejects.Write(p, sink); err == nil {
			_, err = z.Store.Put(ctx, z.Key(layout.BadPath(e.Attempt, p.Path+"/"+sink.SHA256()+".ndjson.zst")), sink.Body(), storage.PutOptions{})
		}
		if err := errors.Join(err, sink.Close()); err != nil {
			return fmt.Errorf("%s: %w", p.Path, err)
		}
	}
	text, err := json.Marshal(e.Bad)
	if err != nil {
		return err
	}
	_, err = z.Store.Put(ctx, z.Key(layout.BadPath(e.Attempt, layout.BadSummary)), bytes.NewReader(text), storage.PutOptions{})
	return err
}

// badKept is how long the rejects of runs with too many are kept.
const badKept = 30 * 24 * time.Hour

// CollectBad deletes rejects that runs with too many of them kept more than 30 days ago, by the store's times: those of the attempts'
// newest and of all objects. No table has to do with them. It gives what it deleted.
func (j Job) CollectBad(ctx context.Context) (objects int, size int64, err error) {
	z := j.Zones.State.Sub(layout.Processed)
	var newest time.Time
	var all []storage.Info
	for info, err := range z.Store.List(ctx, z.Key(layout.BadPrefix), "") {
		if err != nil {
			return 0, 0, fmt.Errorf("list kept rejects: %w", err)
		}
		if info.ModTime.After(newest) {
			newest = info.ModTime
		}
		all = append(all, info)
	}
	for _, info := range all {
		if newest.Sub(info.ModTime) <= badKept {
			continue
		}
		if err := z.Store.Delete(ctx, info.Key); err != nil {
			return objects, size, fmt.Errorf("delete kept rejects: %w", err)
		}
		objects++
		size += info.Size
	}
	return objects, size, nil
}
