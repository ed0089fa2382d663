package etl

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/etl/commit"
	"datalake/pkg/batch"
	"datalake/pkg/lakefile"
	"datalake/pkg/layout"
	"datalake/pkg/pool"
	"datalake/pkg/schema"
	"datalake/pkg/storage/overlay"
)

// The errors that callers tell apart. All else is a failure of the run (a store, a disk), with nothing decided unless
// Result.Decided says so.
var (
	// ErrConflict: a concurrent run won, five times over. Nothing was decided; safe to repeat.
	ErrConflict = errors.New("lost to a concurrent run")
	// ErrUnknown: the run was stopped while its decision was under way. The next run finds out which way it went.
	ErrUnknown = errors.New("outcome unknown")
	// ErrConfig: the job cannot run as it is configured, on this table. Nothing was done.
	ErrConfig = errors.New("configuration")
)

// Zones are where the parts of a lake lie.
type Zones struct {
	Raw, Processed, Quarantine, State layout.Zone
}

// Job is one run from raw to processed. Zones is needed; every other field has a default.
type Job struct {
	Zones Zones
	// Lake is the lake file; nil: all defaults.
	Lake *lakefile.File
	// Catalogs by name are brought to the log's state after the decision. None: the local one, which is a folder of the state
	// zone; see pkg/catalog/local.
	Catalogs map[string]commit.Catalog
	// Source narrows the run to one folder of the raw zone; empty: all.
	Source string
	// Since and Until narrow it to arrival days, both included; zero: no bound.
	Since, Until time.Time
	// Parallel is how many goroutines decode and write at once; 0: one a core.
	Parallel int
	// Memory is what the run may use, in bytes; 0: 1 GiB. A sixteenth of it holds rows and keys that wait between the steps;
	// what is more goes to temporary files. The rest is for the work at hand and for the garbage collector, which the caller
	// tells (runtime/debug). It is a budget that ordinary data keeps, not a bound: a record of many megabytes takes what it needs.
	Memory int64
	// Allocator gives the memory of record batches; nil: a pool of the run's own.
	Allocator memory.Allocator
	// TempDir holds the temporary files, which have no names; empty: the system's.
	TempDir string
	// Secret gives the salt of a mask by its name, NAME of env:NAME; nil: no source may have a mask with a salt. What it gives is kept nowhere.
	Secret func(name string) (string, error)
	// Stages are the caller's own, run in order on every batch after cleaning.
	Stages []Stage
	// Settle is how long an object must not have changed before it is read: a run waits for younger ones. It is for
	// stores in which objects can be seen while they are written (directories: 2 s); 0: not at all.
	Settle time.Duration
	// Sample, if not 0, narrows the run to a sample of at most so many records, but at least one a source: an equal part of
	// each source, spread over its objects, of which only the beginnings are read. What is decided then is of no use to
	// anyone else, so all zones but raw must be overlays (pkg/storage/overlay). See etl/forecast.
	Sample int
	// Directory says that the zones are directories of this machine: each object is looked at again after it was read, because
	// a file can change meanwhile, and a publisher that has died is known to be dead at once.
	Directory bool
	// MaxBad ends the run with ErrBad, with nothing decided, where it would set more records aside; nil: it sets aside what it must.
	MaxBad *MaxBad
	// Progress, when set, is called now and then, never by two goroutines at once.
	Progress func(Progress)
	// Version is the program's, recorded in the log.
	Version string

	sampling sampling // of tests
}

// Stage is a step of the caller's own between cleaning and deduplication: it changes, adds or rejects rows' values, one
// batch at a time. Safe for concurrent use.
type Stage interface {
	// Columns is called once a run for each source, before any batch of it. It returns the columns that the stage adds
	// to the source's table; their Path is nil, and Apply fills them.
	Columns(s *schema.Schema) ([]schema.Column, error)
	// Apply gets a batch with all of the schema's columns, those that the stage added being null. It owns the batch and
	// returns the one that goes on: the same rows in the same order, those to be left out named by batch.Reject. An error
	// stops the run.
	Apply(ctx context.Context, b *batch.Batch) (*batch.Batch, error)
}

// Progress is how far a run is.
type Progress struct {
	Phase string // list, map, resolve, write, publish
	// Done and Total count bytes of raw objects in the map phase, groups in the others; Total is 0 where it is not known.
	Done, Total int64
	Records     int64 // seen so far
}

// Result says what a run did. The counts balance: RecordsIn = RecordsOut + Duplicates + Quarantined.
type Result struct {
	RunID       string  `json:"run_id"`
	Tables      []Table `json:"tables"`
	RecordsIn   int64   `json:"records_in"`
	RecordsOut  int64   `json:"records_out"`
	Duplicates  int64   `json:"duplicates"`
	Quarantined int64   `json:"quarantined"`
	// Replaced counts older rows of the tables that newer ones took the place of (dedupe keep: latest).
	Replaced int64 `json:"replaced"`
	// Rescued counts records with something in _rescued, those among them that then were dropped as duplicates too.
	Rescued int64 `json:"rescued"`
	// Decided is the entry of the log, 0 when there was nothing to do. Published: every catalog and directory shows it.
	Decided   uint64 `json:"decided"`
	Published bool   `json:"published"`
	Objects   int    `json:"objects"`
	BytesIn   int64  `json:"bytes_in"`
	BytesOut  int64  `json:"bytes_out"`
	Files     int    `json:"files"`
	// Partitions is how many partitions of processed tables were written to.
	Partitions int           `json:"partitions"`
	Elapsed    time.Duration `json:"-"`
	Seconds    float64       `json:"seconds"`
	// PeakMemory is the process's peak resident set in bytes, 0 where the system does not tell.
	PeakMemory int64 `json:"peak_memory_bytes"`
	// SpilledBytes went to temporary files, because what waits between the steps has a bound.
	SpilledBytes int64 `json:"spilled_bytes"`
	// WaitedBytes of rows, keys and rejects waited after the map step, coded, in memory and in temporary files.
	WaitedBytes int64 `json:"waited_bytes"`
	// Steps say where the time went, in the order of the run.
	Steps []Step `json:"steps"`
	// Warnings are for people: names that had to change, objects left for the next run, late objects.
	Warnings []string `json:"warnings,omitempty"`
	// Sampled says, by source, what a run with Job.Sample has read.
	Sampled []Sampled `json:"sampled,omitempty"`
	// Apart is how many of a sample's duplicates repeat a record of another stretch of the input than their own: another object, or another
	// part of a large one.
	Apart int64 `json:"-"`
	// Pending is how many partitions this run published that earlier runs had decided.
	Pending int `json:"pending,omitempty"`
	// Bad is set where the run ended with ErrBad. Then RecordsIn and Quarantined tell what it read, and nothing went out.
	Bad *Bad `json:"bad,omitempty"`
}

// Sampled is the part of a source's raw objects that a sample has read.
type Sampled struct {
	// Source is that of the folder.
	Source string `json:"source"`
	// Objects were looked into, and Bytes of them read (of raw content: about, where it is compressed).
	Objects int   `json:"objects"`
	Bytes   int64 `json:"bytes"`
	// AllObjects and AllBytes are what a run without Sample would read.
	AllObjects int   `json:"all_objects"`
	AllBytes   int64 `json:"all_bytes"`
}

// Table is one source's part of a Result.
type Table struct {
	Source      string `json:"source"`
	Name        string `json:"table"`
	RecordsIn   int64  `json:"records_in"`
	RecordsOut  int64  `json:"records_out"`
	Duplicates  int64  `json:"duplicates"`
	Quarantined int64  `json:"quarantined"`
	Replaced    int64  `json:"replaced"`
	Rescued     int64  `json:"rescued"`
	Partitions  int    `json:"partitions"`
	Files       int    `json:"files"`
	// Rules counts quarantined records by rule.
	Rules map[string]int64 `json:"rules,omitempty"`
	// Checks counts records that failed a rule and were not set aside for it (on_fail: "null" or score), by rule; those among them that
	// then were dropped as duplicates too.
	Checks map[string]int64 `json:"checks,omitempty"`
	// RescuedBy counts values in _rescued by path.
	RescuedBy map[string]int64 `json:"rescued_by,omitempty"`
	// NewColumns are those that the run added to the table.
	NewColumns []schema.Column `json:"new_columns,omitempty"`
	// DuplicateKeys, Floored and SourceDiffers count oddities that cost no record; see docs/engine.md.
	DuplicateKeys int64 `json:"duplicate_keys,omitempty"`
	Floored       int64 `json:"floored,omitempty"`
	SourceDiffers int64 `json:"source_differs,omitempty"`
}

// Defaults of a Job.
const DefaultMemory = 1 << 30

func (j Job) withDefaults() Job {
	if j.Parallel <= 0 {
		j.Parallel = runtime.GOMAXPROCS(0)
	}
	if j.Memory <= 0 {
		j.Memory = DefaultMemory
	}
	if j.Allocator == nil {
		j.Allocator = pool.New(j.waiting())
	}
	if j.Lake == nil {
		j.Lake = &lakefile.File{}
	}
	if tell := j.Progress; tell == nil {
		j.Progress = func(Progress) {}
	} else {
		var mu sync.Mutex
		j.Progress = func(p Progress) {
			mu.Lock()
			defer mu.Unlock()
			tell(p)
		}
	}
	return j
}

// Validate returns every fault of the job at once, as ErrConfig.
func (j Job) Validate() error {
	var errs []error
	for _, z := range []struct {
		name string
		zone layout.Zone
	}{{"raw", j.Zones.Raw}, {"processed", j.Zones.Processed}, {"quarantine", j.Zones.Quarantine}, {"state", j.Zones.State}} {
		if z.zone.Store == nil {
			errs = append(errs, fmt.Errorf("%w: the %s zone has no store", ErrConfig, z.name))
		} else if z.name != "raw" && z.zone.Prefix == "" {
			errs = append(errs, fmt.Errorf("%w: the %s zone is the root of a store; it needs a folder of its own", ErrConfig, z.name))
		}
	}
	if j.Sample < 0 {
		errs = append(errs, fmt.Errorf("%w: a sample of %d records", ErrConfig, j.Sample))
	}
	if j.Sample != 0 {
		for name, z := range map[string]layout.Zone{"processed": j.Zones.Processed, "quarantine": j.Zones.Quarantine, "state": j.Zones.State} {
			if _, ok := z.Store.(*overlay.Store); !ok {
				errs = append(errs, fmt.Errorf("%w: a run on a sample would take objects for read that it has not; the %s zone must be an overlay", ErrConfig, name))
			}
		}
	}
	if !j.Since.IsZero() && !j.Until.IsZero() && j.Until.Before(j.Since) {
		errs = append(errs, fmt.Errorf("%w: until %s lies before since %s", ErrConfig, j.Until.Format(time.DateOnly), j.Since.Format(time.DateOnly)))
	}
	return errors.Join(errs...)
}
