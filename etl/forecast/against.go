package forecast

import (
	"cmp"
	"context"
	"errors"
	"maps"
	"slices"

	"datalake/etl"
	"datalake/pkg/schema"
)

// Verdict is what a lake file makes of raw data that is there, read or not, as if there were no tables yet.
type Verdict struct {
	// Result of the trial: what was read, and all counts.
	Result *etl.Result
	// Sources that have records, in order.
	Sources []SourceVerdict
	// Silent are sources of the lake file of which no record was seen.
	Silent []string
}

// SourceVerdict is what becomes of the records of one source.
type SourceVerdict struct {
	Source string `json:"source"`
	// Declared: the lake file names the source.
	Declared bool `json:"declared"`
	// Records were read; Rows are those that are left after quarantine and deduplication.
	Records int64 `json:"records"`
	Rows    int64 `json:"rows"`
	// Rejected are the rules that send records to quarantine, the most frequent first, each with up to 3 of the records.
	Rejected []Rejected `json:"rejected,omitempty"`
	// Rescued are the paths with values that fit no column and go to _rescued, the most frequent first.
	Rescued []Rescued `json:"rescued,omitempty"`
	// Renamed are columns that are not called as their path says, because the name is reserved or taken, or by the lake file's wish.
	Renamed []Renamed `json:"renamed,omitempty"`
	// Unfilled are declared columns that no row has a value for: a path that is misspelled, perhaps.
	Unfilled []schema.Column `json:"unfilled,omitempty"`
	// Schema of the table.
	Schema *schema.Schema `json:"-"`
}

// Rejected counts records under a rule.
type Rejected struct {
	Rule    string   `json:"rule"`
	Count   int64    `json:"count"`
	Samples []Reject `json:"samples"`
}

// Rescued counts values at a path. Column and Type are those of the column that they do not fit; empty where there is none.
type Rescued struct {
	Path   string `json:"path"`
	Count  int64  `json:"count"`
	Column string `json:"column,omitempty"`
	Type   string `json:"type,omitempty"`
}

// Renamed is a column whose name is not that of its path.
type Renamed struct {
	Path string `json:"path"`
	Name string `json:"name"`
	// Plain is the name that the path would have.
	Plain string `json:"plain"`
}

// rejectSamples is how many records a rule shows.
const rejectSamples = 3

// Against tries the job's lake file on the raw zone, or on Job.Sample records of it: what would be rescued, rejected, renamed. What the tables
// hold and which objects were read does not matter; of the job's zones only raw is looked at. Nothing is written. Errors are those of
// etl.Run.
func Against(ctx context.Context, job etl.Job) (v *Verdict, err error) {
	t, err := Try(ctx, Alone(job))
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	samples, err := t.Rejects(ctx, rejectSamples)
	if err != nil {
		return nil, err
	}
	v = &Verdict{Result: t.Result}
	for _, r := range t.Result.Tables {
		s := SourceVerdict{Source: r.Source, Records: r.RecordsIn, Rows: r.RecordsOut}
		if job.Lake != nil {
			_, s.Declared = job.Lake.Sources[r.Source]
		}
		for _, x := range t.Tables {
			if x.Source == r.Source {
				s.Schema = x.Schema
			}
		}
		for rule, n := range r.Rules {
			x := Rejected{Rule: rule, Count: n}
			for _, y := range samples {
				if y.Source == r.Source && y.Rule == rule {
					x.Samples = append(x.Samples, y)
				}
			}
			s.Rejected = append(s.Rejected, x)
		}
		slices.SortFunc(s.Rejected, func(a, b Rejected) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Rule, b.Rule))
		})
		s.rescued(r.RescuedBy)
		s.renamed()
		if err := s.unfilled(ctx, t); err != nil {
			return nil, err
		}
		v.Sources = append(v.Sources, s)
	}
	if job.Lake != nil {
		for _, source := range slices.Sorted(maps.Keys(job.Lake.Sources)) {
			if !slices.ContainsFunc(v.Sources, func(s SourceVerdict) bool { return s.Source == source }) {
				v.Silent = append(v.Silent, source)
			}
		}
	}
	return v, nil
}

// Alone gives a job on the raw zone of another, as if there were no tables yet: its other zones are in no lake. It is for Try, which does
// not write to them.
func Alone(job etl.Job) etl.Job {
	z := &job.Zones
	z.Processed, z.Quarantine, z.State = z.Raw, z.Raw, z.Raw
	z.Processed.Prefix, z.Quarantine.Prefix, z.State.Prefix = "no.lake/processed", "no.lake/quarantine", "no.lake/state"
	return job
}

func (s *SourceVerdict) rescued(by map[string]int64) {
	for path, n := range by {
		x := Rescued{Path: path, Count: n}
		if s.Schema != nil {
			for _, c := range s.Schema.Columns {
				if c.Role == schema.Data && c.Path.String() == path {
					x.Column, x.Type = c.Name, c.Type.String()
				}
			}
		}
		s.Rescued = append(s.Rescued, x)
	}
	slices.SortFunc(s.Rescued, func(a, b Rescued) int {
		return cmp.Or(cmp.Compare(b.Count, a.Count), cmp.Compare(a.Path, b.Path))
	})
}

func (s *SourceVerdict) renamed() {
	if s.Schema == nil {
		return
	}
	for _, c := range s.Schema.Columns {
		if c.Role != schema.Data {
			continue
		}
		if plain := schema.PlainName(c.Path, s.Schema.Envelope == schema.Enveloped); plain != c.Name {
			s.Renamed = append(s.Renamed, Renamed{c.Path.String(), c.Name, plain})
		}
	}
}

// unfilled reads the table for declared columns without a value.
func (s *SourceVerdict) unfilled(ctx context.Context, t *Trial) error {
	if s.Schema == nil {
		return nil
	}
	values := make([]int, len(s.Schema.Columns))
	for rec, err := range t.Records(ctx, Table{Source: s.Source, Schema: s.Schema}) {
		if err != nil {
			return err
		}
		for i := range values {
			values[i] += rec.Column(i).Len() - rec.Column(i).NullN()
		}
	}
	for i, c := range s.Schema.Columns {
		if c.Declared && c.Role != schema.NS && values[i] == 0 && !slices.Contains(s.Schema.PartitionBy, c.Name) {
			s.Unfilled = append(s.Unfilled, c)
		}
	}
	return nil
}
