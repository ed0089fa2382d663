package etl

import (
	"fmt"
	"maps"
	"slices"

	"datalake/pkg/commitlog"
	"datalake/pkg/schema"
)

// body is what the attempt decides, after its balance was checked.
func (w *work) body() (*commitlog.Body, error) {
	b := &commitlog.Body{
		Schemas: map[string]*schema.Schema{}, Fingerprints: map[string]string{}, Counts: map[string]commitlog.Counts{},
	}
	b.Inputs = make([]commitlog.Input, 0, len(w.plan.Objects))
	var last []string // partitions of the object before, which are mostly those of the next
	for i, o := range w.plan.Objects {
		in := commitlog.Input{Key: o.Key, ETag: o.ETag, Size: o.Size, ModTime: w.plan.ModTimes[i].UnixMilli()}
		if c := w.mapped.inputs[i]; c != nil {
			in.Records, in.Rejects = c.records, c.rejects
			in.Partitions = w.paths(c, last)
			last = in.Partitions
			in.Rejecting = slices.Sorted(slices.Values(c.rejecting))
		}
		b.Inputs = append(b.Inputs, in)
	}
	for _, p := range slices.SortedFunc(maps.Keys(w.written.acts), commitlog.Partition.Compare) {
		b.Acts = append(b.Acts, *w.written.acts[p])
	}
	// Objects and their bytes count for the source of their folder, whatever records they hold.
	for _, o := range w.plan.Objects {
		c := b.Counts[o.Source]
		c.Inputs++
		c.BytesIn += o.Size
		b.Counts[o.Source] = c
	}
	for _, source := range slices.Sorted(maps.Keys(w.mapped.counts)) {
		c := w.mapped.counts[source].logged()
		c.Inputs, c.BytesIn = b.Counts[source].Inputs, b.Counts[source].BytesIn
		if err := c.Balance(); err != nil {
			return nil, fmt.Errorf("source %s: %w", source, err)
		}
		b.Counts[source] = c
		if c.In == c.Quarantined {
			continue // no rows: the source's table does not begin, or does not change
		}
		s := w.schemas.settled(source)
		b.Fingerprints[source] = s.Fingerprint()
		changed, err := w.schemas.changed(source)
		if err != nil {
			return nil, err
		}
		if changed {
			b.Schemas[source] = s
		}
	}
	return b, nil
}

// paths are the paths of the partitions that an object fed, in order: last, where that is what they are.
func (w *work) paths(c *inputCounts, last []string) []string {
	numbers := c.partitions.sorted()
	if len(numbers) == 0 {
		return nil
	}
	if len(numbers) == 1 { // of a small object, of which there may be very many
		path := w.index.Get(numbers[0]).Path
		if len(last) == 1 && last[0] == path {
			return last
		}
		return []string{path}
	}
	paths := make([]string, len(numbers))
	for i, n := range numbers {
		paths[i] = w.index.Get(n).Path
	}
	slices.Sort(paths)
	return paths
}
