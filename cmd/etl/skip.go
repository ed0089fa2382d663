package main

import (
	"context"
	"fmt"
	"os"
	"os/user"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"datalake/etl"
	"datalake/etl/inspect"
)

// openToDecide opens a lake for the commands that decide what becomes of raw objects.
func (a *app) openToDecide() (*lake, etl.Job, error) {
	l, err := a.open()
	if err != nil {
		return nil, etl.Job{}, err
	}
	if !isFolder(l.raw) {
		return nil, etl.Job{}, a.noLake(l)
	}
	return l, l.job(etl.Job{}), nil
}

// reason is who decides, by the name that the system knows, and why.
func reason(why string) etl.Reason {
	r := etl.Reason{Why: strings.TrimSpace(why)}
	if u, err := user.Current(); err == nil {
		r.By = u.Username
	}
	return r
}

// objectKey is the key of a raw object that people name by its key, by its path below the raw zone, or by its file.
func (l *lake) objectKey(name string) string {
	raw := l.zones.Raw
	if _, err := raw.Rel(name); err == nil {
		return name
	}
	if abs, err := filepath.Abs(path(name)); err == nil {
		if rel, err := filepath.Rel(l.raw, abs); err == nil && filepath.IsLocal(rel) {
			if _, err := os.Lstat(abs); err == nil {
				return raw.Key(filepath.ToSlash(rel))
			}
		}
	}
	return raw.Key(name)
}

func (a *app) skipCommand() *cobra.Command {
	var why string
	var undo bool
	c := a.wrap(&cobra.Command{
		Use: "skip OBJECT [--reason TEXT] [flags]", Short: "Go on past a raw object that fails every run",
		Long: `Takes a raw object as read without reading it, so that runs go on without its records:
one that cannot be read, or on which a step of your own fails every time. The log keeps
who did so, when and why. Only the version that is there now is skipped: one that
replaces it is read. --undo makes it pending again. OBJECT is what the error of the run
names, a path below the raw zone, or a file.`,
		Example: "  etl skip raw/iot_sensors/2025-11-24/poison.json --reason ticket-17\n  etl skip raw/iot_sensors/2025-11-24/poison.json --undo",
		Args:    oneArg("raw object"),
	}, demoCodes, func(ctx context.Context, args []string) error {
		l, j, err := a.openToDecide()
		if err != nil {
			return err
		}
		key := l.objectKey(args[0])
		act, done, nothing := j.Skip, "is skipped", "is skipped already"
		if undo {
			act, done = j.Unskip, "is pending again"
		}
		t, err := act(ctx, key, reason(why))
		if err != nil {
			return err
		}
		a.event("skip finished", "object", key, "undo", undo, "decided", t.Decided)
		if a.console.json {
			return a.object(struct {
				Object string `json:"object"`
				*etl.Taken
			}{key, t})
		}
		if t.Decided == 0 {
			a.say("%s %s.\n", key, nothing)
			return nil
		}
		a.say("%s %s; decided as entry %d of the log.\n", key, done, t.Decided)
		return nil
	})
	c.Flags().StringVar(&why, "reason", "", "why: it stands in the log")
	c.Flags().BoolVar(&undo, "undo", false, "make it pending again")
	return c
}

func (a *app) ledgerCommand() *cobra.Command {
	var want inspect.Ledger
	var since, until string
	n := 20
	c := a.wrap(&cobra.Command{
		Use: "ledger [flags]", Short: "Tell which raw objects are read, and which are not",
		Long: `Counts the objects of the raw zone by source and by what the log says of them: consumed
(a run has read it), pending, held (rolled back, until "etl release"), skipped ("etl
skip") and adopted ("etl ledger set"). With --state or --object it lists them.`,
		Example: "  etl ledger\n  etl ledger --state pending --source iot_sensors\n  etl ledger --object raw/iot_sensors/a.json --json",
		Args:    noArgs,
	}, readCodes, func(ctx context.Context, _ []string) (err error) {
		if n < 0 {
			return usage(fmt.Errorf("-n %d: at least 0", n))
		}
		if want.Since, err = day("--since", since); err != nil {
			return err
		}
		if want.Until, err = day("--until", until); err != nil {
			return err
		}
		known := want.State == ""
		for _, s := range inspect.LedgerStates {
			known = known || s == want.State
		}
		if !known {
			return usage(fmt.Errorf("--state %s: it can be %s", want.State, strings.Join(inspect.LedgerStates, ", ")))
		}
		l, err := a.openToRead(ctx)
		if err != nil {
			return err
		}
		listed := n
		if want.State == "" && want.Object == "" && !a.console.json {
			listed = 0
		}
		counts, objects, err := l.Objects(ctx, want, listed)
		if err != nil {
			return err
		}
		if a.console.json {
			return a.object(map[string]any{"counts": orEmpty(counts), "objects": orEmpty(objects)})
		}
		if len(counts) == 0 {
			a.say("No such objects.\n")
			return nil
		}
		return a.ledger(counts, objects)
	})
	f := c.Flags()
	f.StringVar(&want.Source, "source", "", "objects of this source's folder")
	f.StringVar(&want.State, "state", "", "objects that are consumed, pending, held, skipped or adopted")
	f.StringVar(&want.Object, "object", "", "this object only")
	f.StringVar(&since, "since", "", "objects that arrived on this day (UTC) or later: YYYY-MM-DD")
	f.StringVar(&until, "until", "", "objects that arrived on this day (UTC) or before")
	f.IntVarP(&n, "rows", "n", n, "how many objects are listed")
	c.AddCommand(a.ledgerSetCommand())
	return c
}

// ledger prints the counts, or the objects where these were asked for.
func (a *app) ledger(counts []inspect.LedgerCount, objects []inspect.RawObject) error {
	var rows [][]string
	if len(objects) == 0 {
		for _, c := range counts {
			rows = append(rows, []string{c.Source, c.State, count(c.Objects), size(c.Bytes)})
		}
		return printTable(a.out, "", []column{{name: "source", cut: 40}, {name: "state"}, {name: "objects", right: true}, {name: "size", right: true}}, rows)
	}
	for _, o := range objects {
		seq := ""
		if o.Seq > 0 {
			seq = strconv.FormatUint(o.Seq, 10)
		}
		rows = append(rows, []string{o.State, seq, size(o.Bytes), o.Arrived.Format(whenFormat), o.Key})
	}
	err := printTable(a.out, "", []column{{name: "state"}, {name: "entry", right: true}, {name: "size", right: true}, {name: "arrived (UTC)"}, {name: "object"}}, rows)
	all := int64(0)
	for _, c := range counts {
		all += c.Objects
	}
	if more := all - int64(len(objects)); err == nil && more > 0 {
		_, err = fmt.Fprintf(a.out, "… and %s more; -n shows more of them\n", count(more))
	}
	return err
}

func (a *app) ledgerSetCommand() *cobra.Command {
	var until, source, why string
	var undo uint64
	c := a.wrap(&cobra.Command{
		Use: "set --until DATE [--source S] [flags]", Short: "Take older raw objects as read, without reading them",
		Long: `Takes the raw objects that no run has read yet and that arrived until a day, that
included, as read without reading them, as one entry of the log: for a lake whose older
data is in another system already. --undo ENTRY makes them pending again.`,
		Example: "  etl ledger set --until 2025-10-31\n  etl ledger set --until 2025-10-31 --source iot_sensors --reason migrated\n  etl ledger set --undo 1",
		Args:    noArgs,
	}, demoCodes, func(ctx context.Context, _ []string) error {
		at, err := day("--until", until)
		if err != nil {
			return err
		}
		if at.IsZero() == (undo == 0) {
			return usage(fmt.Errorf("give either --until, a day such as 2025-10-31, or --undo, the number of an entry"))
		}
		l, j, err := a.openToDecide()
		if err != nil {
			return err
		}
		if source != "" {
			if source, err = l.source(source); err != nil {
				return err
			}
		}
		var t *etl.Taken
		if undo > 0 {
			t, err = j.Unadopt(ctx, undo, reason(why))
		} else {
			t, err = j.Adopt(ctx, at, source, reason(why))
		}
		if err != nil {
			return err
		}
		a.event("ledger set finished", "decided", t.Decided, "objects", t.Objects, "bytes", t.Bytes)
		if a.console.json {
			return a.object(t)
		}
		switch {
		case t.Decided == 0:
			a.say("No unread objects arrived until then.\n")
		case undo > 0:
			a.say("%s pending again; decided as entry %d of the log.\n", plural(t.Objects, "object", "objects"), t.Decided)
		default:
			a.say("%s, %s, taken as read; decided as entry %d of the log. To undo it: %s\n",
				plural(t.Objects, "object", "objects"), size(t.Bytes), t.Decided, a.again(fmt.Sprintf("ledger set --undo %d", t.Decided)))
		}
		return nil
	})
	f := c.Flags()
	f.StringVar(&until, "until", "", "objects that arrived on this day (UTC) or before: YYYY-MM-DD")
	f.StringVar(&source, "source", "", "objects of this folder of the raw zone only")
	f.StringVar(&why, "reason", "", "why: it stands in the log")
	f.Uint64Var(&undo, "undo", 0, "make the objects pending again that this entry took as read")
	return c
}

// failedObject tells, besides, how to go on without an object that a run fails on.
func (a *app) failedObject(err error) error {
	key, ok := etl.FailedObject(err)
	if !ok {
		return err
	}
	return fmt.Errorf("%w. If it fails every time, go on without it: %s", err, a.again("skip "+shellQuote(key)))
}
