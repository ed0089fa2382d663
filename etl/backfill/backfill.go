package backfill

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"time"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

// ErrUnknownRows: a partition has rows of which the log does not say from which objects they came.
var ErrUnknownRows = errors.New("rows of unknown origin")

// Options say what is made anew.
type Options struct {
	// Source whose table it is.
	Source string
	// From and To are event days as the partitions name them, both included. A partition is made anew as a whole if it can hold a row of
	// one of these days.
	From, To time.Time
	// All makes the whole table anew.
	All bool
	// Wide asks for all inputs of the source, whichever partitions are made anew.
	Wide bool
	// Loose says that rows are not deduplicated. A row that is read again could then not be told from the one that is there; so all
	// partitions are made anew that the inputs fed.
	Loose bool
	// Folder gives the source of the raw zone's folder that a key lies in.
	Folder func(key string) string
}

// Version names one version of an object.
type Version struct{ Key, ETag string }

// Plan is what is to be read again, and what is made anew.
type Plan struct {
	o Options
	// Inputs that are wanted, with the number of records that each had.
	Inputs map[Version]int64
	// Partitions of the base that are made anew, of table and quarantine.
	Partitions map[commitlog.Partition]bool
}

// input is what the log says of one.
type input struct {
	records    int64
	partitions []string // of the source
	rejects    bool
}

// New makes a plan on a state. Errors: those of the log, and ErrUnknownRows.
func New(ctx context.Context, log *commitlog.Log, base *commitlog.State, o Options) (*Plan, error) {
	p := &Plan{o: o, Inputs: map[Version]int64{}, Partitions: map[commitlog.Partition]bool{}}
	inputs, err := p.read(ctx, log, base)
	if err != nil {
		return nil, err
	}
	parts := map[string]bool{}
	for part := range base.Partitions {
		if layout.SourceOf(part.Path) != o.Source {
			continue
		}
		switch {
		case part.Zone == layout.Quarantine:
			p.Partitions[part] = true
		case part.Zone == layout.Processed && (o.All || Covers(part.Path, o.From, o.To)):
			p.Partitions[part] = true
			parts[part.Path] = true
		}
	}
	fed := map[string]bool{}
	for more := true; more; {
		more = false
		for v, in := range inputs {
			if _, is := p.Inputs[v]; is || !o.All && !o.Wide && !in.rejects && !slices.ContainsFunc(in.partitions, p.covered(parts)) {
				continue
			}
			p.Inputs[v] = in.records
			for _, path := range in.partitions {
				fed[path] = true
				part := commitlog.Partition{Zone: layout.Processed, Path: path}
				if o.Loose && !parts[path] && base.Partitions[part] != nil {
					parts[path], p.Partitions[part], more = true, true, true
				}
			}
		}
	}
	for path := range parts {
		if n := base.Partitions[commitlog.Partition{Zone: layout.Processed, Path: path}].Rows(); n > 0 && !fed[path] {
			return nil, fmt.Errorf("%w: %d rows of %s came from no object that the log knows: they would be lost", ErrUnknownRows, n, path)
		}
	}
	return p, nil
}

// covered says whether a partition is made anew; also one that a rollback has emptied, or that is not there any more.
func (p *Plan) covered(parts map[string]bool) func(path string) bool {
	return func(path string) bool { return parts[path] || Covers(path, p.o.From, p.o.To) }
}

// read gathers what the log says of the inputs that have to do with the source, count as consumed and are not held.
func (p *Plan) read(ctx context.Context, log *commitlog.Log, base *commitlog.State) (map[Version]*input, error) {
	inputs := map[Version]*input{}
	for r, err := range log.Read(ctx, 1) {
		if err != nil {
			return nil, err
		}
		if r.Seq > base.Seq {
			break
		}
		b, err := r.ReadBody(ctx)
		if err != nil {
			return nil, err
		}
		for _, list := range [][]commitlog.Input{b.Inputs, b.Replayed} {
			for i := range list {
				p.note(inputs, &list[i], b.Counts)
			}
		}
	}
	for v := range inputs {
		seq, ok, err := base.Ledger.Seq(ctx, v.Key, v.ETag)
		if err != nil {
			return nil, err
		}
		if _, held := base.Held[seq]; !ok || held {
			delete(inputs, v)
		}
	}
	return inputs, nil
}

func (p *Plan) note(inputs map[Version]*input, in *commitlog.Input, counts map[string]commitlog.Counts) {
	if !slices.Contains(in.Sources(counts), p.o.Source) && (!p.o.All || p.o.Folder(in.Key) != p.o.Source) {
		return
	}
	v := Version{in.Key, in.ETag}
	sum := inputs[v]
	if sum == nil {
		sum = &input{}
		inputs[v] = sum
	}
	sum.records = max(sum.records, in.Records)
	sum.rejects = sum.rejects || in.Rejects > 0
	for _, path := range in.Partitions {
		if layout.SourceOf(path) == p.o.Source && !slices.Contains(sum.partitions, path) {
			sum.partitions = append(sum.partitions, path)
		}
	}
}

// Covers says whether a partition can hold a row of one of the days. What its path does not say it may have any of.
func Covers(path string, from, to time.Time) bool {
	values, err := layout.ParsePath(path)
	if err != nil {
		return false
	}
	part := map[string]int{}
	for _, v := range values {
		if n, err := strconv.Atoi(v.Value); err == nil && (v.Key == "year" || v.Key == "month" || v.Key == "day") {
			part[v.Key] = n
		}
	}
	if len(part) == 3 {
		day := time.Date(part["year"], time.Month(part["month"]), part["day"], 0, 0, 0, 0, time.UTC)
		return !day.Before(from) && !day.After(to)
	}
	for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
		is := map[string]int{"year": day.Year(), "month": int(day.Month()), "day": day.Day()}
		fits := true
		for key, n := range part {
			fits = fits && is[key] == n
		}
		if fits {
			return true
		}
	}
	return false
}
