package commit

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"time"

	"datalake/pkg/catalog"
	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

// The errors that callers tell apart.
var (
	// ErrConflict: an entry that others decided is in the way; a *Conflict says what to do. Nothing was decided.
	ErrConflict = errors.New("lost to a concurrent commit")
	// ErrCondemned: gc has condemned the attempt. It can never be decided; begin another.
	ErrCondemned = errors.New("attempt is condemned")
	// ErrRounds: the attempt was redone MaxRounds times and lost each time.
	ErrRounds = errors.New("gave up after repeated conflicts")
	// ErrUnknown: the decision may or may not be in the log, and the store does not tell. Delete nothing; the next run
	// finds out.
	ErrUnknown = errors.New("outcome of the commit unknown")
	// ErrFingerprint: a source's rows would mean something else than those that its table has.
	ErrFingerprint = errors.New("the meaning of the source's rows has changed")
	// ErrRoots: the zones are not those that the log's first entry names.
	ErrRoots = errors.New("zones differ from those of the log")
	// ErrStore: the store cannot carry the protocol: of racing puts not exactly one won, or it cannot copy beside a
	// zone.
	ErrStore = errors.New("store unfit for commits")
	// ErrBusy: somebody else is publishing, and did not finish within the time to wait.
	ErrBusy = errors.New("another publisher is at work")
	// ErrMissing: a file that the log names is nowhere to be found.
	ErrMissing = errors.New("data file missing")
)

// MaxRounds is how often an attempt may be redone on a newer base.
const MaxRounds = 5

// Retry makes an attempt again from its plan, MaxRounds times at most, where an entry of others was in the way (ErrConflict) or gc took a file
// first that the plan needed (ErrMissing). It gives what the last one gave.
func Retry[T any](try func() (T, error)) (T, error) {
	for round := 0; ; round++ {
		got, err := try()
		if round == MaxRounds || !errors.Is(err, ErrConflict) && !errors.Is(err, ErrMissing) {
			return got, err
		}
	}
}

// Catalog is what publishing needs of a catalog. Safe for concurrent use.
type Catalog interface {
	// Table reads a table. Errors: catalog.ErrNoTable.
	Table(ctx context.Context, name string) (catalog.Table, error)
	// PutTable creates a table, or replaces the version that t names. Errors: catalog.ErrVersion.
	PutTable(ctx context.Context, t catalog.Table) error
	// Partitions lists all partitions of a table, in any order. Errors: catalog.ErrNoTable.
	Partitions(ctx context.Context, table string) ([]catalog.Partition, error)
	// PutPartitions creates partitions, or replaces them as a whole, each atomically. What it refuses does not keep the
	// others from being put. Errors: catalog.ErrNoTable.
	PutPartitions(ctx context.Context, table string, ps []catalog.Partition) ([]catalog.Refusal, error)
	// Finish is called after the last change of a publish, and also when there was none.
	Finish(ctx context.Context) error
}

// Lake is what the commits of one log work on. The zero value of the optional fields is good. A value; safe for
// concurrent use.
type Lake struct {
	// Log of decisions.
	Log *commitlog.Log
	// Zones by name: raw, processed and quarantine (or curated). Files go to processed, quarantine and curated.
	Zones map[string]layout.Zone
	// Catalogs by name. Names are part of keys: [a-z0-9_-].
	Catalogs map[string]Catalog
	// QuarantineColumns are the fields of quarantined records, for the table quarantine; empty: there is no such table.
	QuarantineColumns []catalog.Column
	// Program is the version of the program, noted in entries.
	Program string
	// Grace is how long after it went out of use gc keeps what a slow reader or writer may still touch; 0 means 24 h.
	Grace time.Duration
	// ClaimAge is how old a claim to publish must be before others take over; 0 means 15 min. Its holder sends nothing
	// to the catalog after two thirds of it.
	ClaimAge time.Duration
	// PublishWait is how long Publish waits for another publisher; 0 means 1 min.
	PublishWait time.Duration
	// Owner names this process in claims, and Dead tells for certain that the process which an Owner named has ended,
	// so that its claim need not grow old. Both may be empty: then claims only age. See ProcessOwner.
	Owner string
	Dead  func(owner string) bool
	// Clock tells the holder of a claim how much time has passed; nil means the machine's clocks. Ages of objects are
	// the store's, whatever it says.
	Clock func() time.Time
	// Retries is how often a request whose outcome is unknown is sent again before Decide gives up; 0 means 10. The
	// waits between grow from RetryWait; 0 means 50 ms.
	Retries   int
	RetryWait time.Duration
	// Parallel is how many requests to the store are under way at once; 0 means 8.
	Parallel int
}

func (l Lake) withDefaults() Lake {
	if l.Grace == 0 {
		l.Grace = 24 * time.Hour
	}
	if l.ClaimAge == 0 {
		l.ClaimAge = 15 * time.Minute
	}
	if l.PublishWait == 0 {
		l.PublishWait = time.Minute
	}
	if l.Clock == nil {
		l.Clock = time.Now
	}
	if l.Retries == 0 {
		l.Retries = 10
	}
	if l.RetryWait == 0 {
		l.RetryWait = 50 * time.Millisecond
	}
	if l.Parallel == 0 {
		l.Parallel = 8
	}
	return l
}

// Validate returns every fault of the lake at once.
func (l Lake) Validate() error {
	var errs []error
	if l.Log == nil {
		errs = append(errs, errors.New("no log"))
	}
	if len(l.Zones) == 0 {
		errs = append(errs, errors.New("no zones"))
	}
	for name, z := range l.Zones {
		if err := z.Check(); err != nil {
			errs = append(errs, fmt.Errorf("zone %s: %w", name, err))
		}
	}
	if len(l.Catalogs) == 0 {
		errs = append(errs, errors.New("no catalogs"))
	}
	for name := range l.Catalogs {
		if name == "" || slices.ContainsFunc([]byte(name), func(c byte) bool {
			return c != '_' && c != '-' && (c < '0' || c > '9') && (c < 'a' || c > 'z')
		}) {
			errs = append(errs, fmt.Errorf("catalog %q: names are of [a-z0-9_-]", name))
		}
	}
	if l.Grace < 0 || l.ClaimAge < 0 || l.PublishWait < 0 || l.Retries < 0 || l.RetryWait < 0 || l.Parallel < 0 {
		errs = append(errs, errors.New("negative time or number"))
	}
	return errors.Join(errs...)
}

// Redo says what a run does after a conflict.
type Redo int

const (
	// Replan: begin again, with a new attempt: an input was consumed, or a schema or a fingerprint changed.
	Replan Redo = iota + 1
	// Rebase: call Attempt.Rebase, then redo resolve and write on the new base; what map made stays valid.
	Rebase
)

func (r Redo) String() string {
	switch r {
	case Replan:
		return "plan again"
	case Rebase:
		return "redo on the new base"
	}
	return "unknown"
}

// Conflict says which entry is in the way, and what to do. It is an ErrConflict.
type Conflict struct {
	Seq    uint64
	Redo   Redo
	Reason string
}

func (c *Conflict) Error() string {
	return fmt.Sprintf("%v: entry %d %s: %v", ErrConflict, c.Seq, c.Reason, c.Redo)
}

// Is says that a conflict is an ErrConflict.
func (c *Conflict) Is(target error) bool { return target == ErrConflict }
