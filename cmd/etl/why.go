package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/inspect"
	"datalake/pkg/commitlog"
)

// rowOrigin is a row and where it came from.
type rowOrigin struct {
	inspect.Row
	Values json.RawMessage `json:"values,omitempty"`
	Origin *etl.Traced     `json:"origin,omitempty"`
}

// absence is why a record that lies in the raw zone has no row.
type absence struct {
	etl.Place
	// State of the object: pending, held, skipped, adopted; of a consumed one duplicate, where a row has the record's key, else dropped.
	State string `json:"state"`
	// Kept is the row that has the record's key.
	Kept *keptRow `json:"kept,omitempty"`
}

type keptRow struct {
	RecordID  string `json:"record_id"`
	Table     string `json:"table"`
	Partition string `json:"partition"`
	File      string `json:"file"`
	Row       int64  `json:"row"`
	Entry     uint64 `json:"entry,omitempty"`
}

// answer is what etl why tells.
type answer struct {
	*inspect.Where
	Rows []rowOrigin `json:"rows"`
	// Search in the raw zone for a record without a row; nil where nothing was read.
	Search *etl.Traced `json:"search,omitempty"`
	Absent []absence   `json:"absent,omitempty"`
}

func (a *app) whyCommand() *cobra.Command {
	var source string
	most := "10GB"
	c := a.wrap(&cobra.Command{
		Use: "why RECORD_ID [flags]", Short: "Tell where a record went",
		Long: `Looks for a record by its record_id and tells in which file and row it is, which run
wrote it there, and the raw object, byte and line that it came from: what that run read
for the partition is read again, by the lake file as it is now; of several copies the
one that dedupe would keep is named, and where an object is gone it may be another. A
record that is in no table is looked for in quarantine, by the id in its text, then in
the raw zone, the newest objects first: it may wait for a run, be held, skipped or
adopted, or be a duplicate of a row, which is named.`,
		Example: "  etl why 3f2a9c0d1b7e4a55\n  etl why ord-0000042 --json\n  etl why ord-0000042 --source orders --max-bytes 100GB",
		Args:    oneArg("record id"),
	}, readCodes, func(ctx context.Context, args []string) error {
		n, err := parseSize(most)
		if err != nil {
			return usage(fmt.Errorf("--max-bytes: %w", err))
		}
		l, err := a.open()
		if err != nil {
			return err
		}
		in, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		folder := ""
		if source != "" {
			if folder, err = l.source(source); err != nil {
				return err
			}
		}
		w, err := a.trace(ctx, l, in, args[0], folder, n)
		if err != nil {
			return err
		}
		if a.console.json {
			return a.object(w)
		}
		return a.why(w)
	})
	c.Flags().StringVar(&source, "source", "", "of the raw zone, search this source's folder only, where the record has no row")
	c.Flags().StringVar(&most, "max-bytes", most, "`size` of the raw objects that are read at most for a row, or for a record without one; one object always is")
	return c
}

// trace finds a record and where it came from. Where the lake file does not suit the tables, raw objects cannot be read: that is a warning.
func (a *app) trace(ctx context.Context, l *lake, in *inspect.Lake, id, folder string, most int64) (*answer, error) {
	w, err := in.Why(ctx, id)
	if err != nil {
		return nil, err
	}
	out := &answer{Where: w, Rows: []rowOrigin{}}
	for _, r := range w.Rows {
		x := rowOrigin{Row: r}
		if o := rowObjects(&r.Values); len(o) == 1 {
			x.Values = o[0]
		}
		out.Rows = append(out.Rows, x)
	}
	if len(w.Quarantined) > 0 {
		return out, nil
	}
	t, err := l.job(etl.Job{}).Tracer(ctx, most)
	if errors.Is(err, etl.ErrConfig) {
		a.warn(fmt.Sprintf("the raw objects were not searched: %v", err))
		return out, nil
	}
	if err != nil {
		return nil, err
	}
	for i := range out.Rows {
		r, writer := &out.Rows[i], uint64(0)
		if r.Run != nil {
			writer = r.Run.Seq
		}
		if r.Origin, err = t.Row(ctx, id, r.Partition, writer); err != nil {
			return nil, err
		}
	}
	if len(out.Rows) > 0 {
		return out, nil
	}
	if out.Search, err = t.Raw(ctx, id, folder); err != nil {
		return nil, err
	}
	for _, p := range out.Search.Places {
		x, err := absent(ctx, t, in, p)
		if err != nil {
			return nil, err
		}
		out.Absent = append(out.Absent, *x)
	}
	return out, nil
}

// absent says why the record at a place has no row.
func absent(ctx context.Context, t *etl.Tracer, in *inspect.Lake, p etl.Place) (*absence, error) {
	x := &absence{Place: p, State: inspect.Pending}
	if p.Entry == 0 {
		return x, nil
	}
	switch t.Held(p.Entry) {
	case commitlog.Skip:
		x.State = inspect.Skipped
	case commitlog.Adopt:
		x.State = inspect.Adopted
	case commitlog.Rollback:
		x.State = inspect.Held
	default:
		x.State = "dropped"
		kept, err := t.Kept(ctx, p)
		if err != nil || kept == nil {
			return x, err
		}
		row, err := in.RowAt(ctx, kept.Partition, kept.File, kept.Row)
		if err != nil {
			return nil, err
		}
		x.State, x.Kept = "duplicate", &keptRow{Table: row.Table, Partition: row.Partition, File: row.File, Row: row.Row, RecordID: row.RecordID()}
		if row.Run != nil {
			x.Kept.Entry = row.Run.Seq
		}
	}
	return x, nil
}

func (a *app) why(w *answer) error {
	p := &printer{w: a.out}
	for i, r := range w.Rows {
		if i > 0 {
			p.printf("\n")
		}
		p.printf("%s is in %s\n", w.RecordID, r.Table)
		p.printf("  partition  %s\n  file       %s\n  row        %s\n", r.Partition, path(r.File), count(r.Row.Row+1))
		if r.Run != nil {
			p.printf("  written by entry %d (%s), %s UTC\n", r.Run.Seq, r.Run.Kind, r.Run.When.UTC().Format(whenFormat))
			p.origin(r)
		}
		if len(r.Row.Values.Values) == 1 {
			p.printf("\n")
			for i, v := range r.Row.Values.Values[0] {
				if c := r.Row.Values.Columns[i]; string(v) != "null" {
					p.printf("  %-24s %s\n", c.Name, clip(cell(v, c.Type), 100))
				}
			}
		}
	}
	for _, q := range w.Quarantined {
		var x struct {
			Object, Rule, Reason, Payload string
			Line                          int64
		}
		if err := json.Unmarshal(q, &x); err != nil {
			return fmt.Errorf("read quarantine: %w", err)
		}
		p.printf("%s is in quarantine: %s\n  rule    %s\n  object  %s, line %d\n  record  %s\n", w.RecordID, x.Reason, x.Rule, x.Object, x.Line, clip(x.Payload, 400))
	}
	if len(w.Rows) == 0 && len(w.Quarantined) == 0 {
		p.printf("%s is in no table and not in quarantine.\n", w.RecordID)
		for i := range w.Absent {
			p.absent(&w.Absent[i])
		}
		if w.Search != nil {
			p.searched(w.Search, "the raw zone")
		}
		if len(w.Absent) > 0 {
			return p.err
		}
		if w.Pending > 0 {
			p.printf("It may be in what no run has read yet, %s: %s\n", plural(w.Pending, "raw object", "raw objects"), a.again("run"))
		}
		if w.Unread > 0 {
			p.printf("It may be in %s that no run will read, skipped or adopted: %s\n", plural(w.Unread, "raw object", "raw objects"), a.again("ledger"))
		}
	}
	return p.err
}

func objectsOf(r *inspect.Row) string {
	if r.ObjectCount == 1 {
		return "one object"
	}
	return "one of " + plural(r.ObjectCount, "object", "objects")
}

// origin tells the place that a row came from, or, where that was not found, among which objects it is.
func (p *printer) origin(r rowOrigin) {
	if r.Origin != nil && len(r.Origin.Places) > 0 {
		for i, x := range r.Origin.Places {
			if i == 10 {
				p.printf("             … and %s\n", plural(len(r.Origin.Places)-i, "more place", "more places"))
				break
			}
			p.printf("  from       %s, byte %s, line %s (read by entry %d)\n", x.Object, count(x.Offset), count(x.Line), x.Entry)
		}
		return
	}
	p.printf("  from       %s\n", objectsOf(&r.Row))
	for k, o := range r.Objects {
		if k == 3 && r.ObjectCount > 4 {
			p.printf("             … and %s\n", count(r.ObjectCount-3))
			break
		}
		p.printf("             %s\n", o)
	}
	if r.Origin != nil {
		p.searched(r.Origin, "these")
	}
}

// searched says that objects do not have the record, as far as they were read.
func (p *printer) searched(t *etl.Traced, where string) {
	for _, o := range t.Gone {
		p.printf("%s is gone.\n", o)
	}
	for _, o := range t.Changed {
		p.printf("%s is another object by now.\n", o)
	}
	if len(t.Places) == 0 && t.Objects > 0 {
		p.printf("It was not found in %s of %s, %s.\n", plural(t.Objects, "object", "objects"), where, size(t.Bytes))
	}
	if len(t.Places) == 0 && t.Left > 0 {
		p.printf("%s not read: give a larger --max-bytes, or --source.\n", plural(t.Left, "object was", "objects were"))
	}
}

// absent tells why the record at a place has no row.
func (p *printer) absent(x *absence) {
	p.printf("  found in   %s, byte %s, line %s\n", x.Object, count(x.Offset), count(x.Line))
	switch x.State {
	case inspect.Pending:
		p.printf("  why        no run has read the object yet\n")
	case inspect.Held:
		p.printf("  why        a rollback holds what entry %d read\n", x.Entry)
	case inspect.Skipped, inspect.Adopted:
		p.printf("  why        entry %d %s the object: no run reads it\n", x.Entry, x.State)
	case "duplicate":
		k := x.Kept
		p.printf("  why        entry %d read it; it is a duplicate of %s\n  kept       %s, row %s of %s", x.Entry, k.RecordID, k.Table, count(k.Row+1), path(k.File))
		if k.Entry > 0 {
			p.printf(", written by entry %d", k.Entry)
		}
		p.printf("\n")
	default:
		p.printf("  why        entry %d read it, but no row has its key now\n", x.Entry)
	}
}
