package etl

import (
	"bytes"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"

	"datalake/etl/clean"
	"datalake/etl/infer"
	"datalake/pkg/batch"
	"datalake/pkg/commitlog"
	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

// schemas are the schemas of a run: those that the log has, with what the lake file says now, and those of new sources as
// soon as they are known. Safe for concurrent use.
//
// A source without a schema yields no rows: all its values go to the profile, from which learn makes its schema for the next
// pass. A source whose lake file leaves nothing to inference has its schema from the start. While there is a guess of a
// schema, records are decoded by that.
type schemas struct {
	job      Job
	warnings []string
	learned  map[string][]string        // warnings of what was learned, by source
	added    map[string][]schema.Column // by learn, for people
	masks    map[string]*clean.Masks    // of the sources that have some
	refused  []string                   // sources whose rows the lake file gives another meaning; a backfill of another one reads nothing new then

	mu      sync.Mutex
	sources map[string]*schema.Schema
	guessed map[string]*infer.Guess
	bases   map[string]*schema.Schema // of sources without a schema
	logged  map[string]*schema.Schema
}

// newSchemas takes the schemas of the base. It fails with ErrConfig where the lake file gives stored rows another meaning.
func newSchemas(j Job, base *commitlog.State) (*schemas, error) { return schemasFor(j, base, nil) }

// schemasFor are those of a backfill, if there is one: its source's begins anew if all of it is made anew, and what the lake file says of
// the other sources, whose rows stay, does not matter.
func schemasFor(j Job, base *commitlog.State, back *BackfillOptions) (*schemas, error) {
	s := &schemas{
		job: j, warnings: slices.Clone(j.Lake.Warnings), added: map[string][]schema.Column{},
		learned: map[string][]string{}, bases: map[string]*schema.Schema{},
		sources: map[string]*schema.Schema{}, logged: map[string]*schema.Schema{},
	}
	var faults, commands []string
	for _, name := range slices.Sorted(maps.Keys(base.Sources)) {
		stored := base.Sources[name].Schema
		if stored == nil || back != nil && back.All && back.Source == name {
			continue
		}
		s.logged[name] = stored
		next := stored
		if declared, ok := j.Lake.Sources[name]; ok {
			var changes []string
			if next, changes = declared.Apply(stored); len(changes) > 0 && back != nil && back.Source != name {
				next = stored
				s.refused = append(s.refused, name)
			} else if len(changes) > 0 {
				commands = append(commands, "etl backfill --source "+name+" --all")
				faults = append(faults, fmt.Sprintf("source %s: %s", name, strings.Join(changes, "; ")))
			}
		}
		next, err := s.stages(next)
		if err != nil {
			return nil, err
		}
		s.sources[name] = next
	}
	if err := s.mask(); err != nil {
		return nil, err
	}
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w: the lake file gives the rows that a table has another meaning:\n  %s\ntake the change back, or make the table anew from its raw objects:\n  %s",
			ErrConfig, strings.Join(faults, "\n  "), strings.Join(commands, "\n  "))
	}
	return s, nil
}

// stages puts the columns in that the caller's stages add and the schema does not have.
func (s *schemas) stages(sch *schema.Schema) (*schema.Schema, error) {
	for _, stage := range s.job.Stages {
		columns, err := stage.Columns(sch)
		if err != nil {
			return nil, fmt.Errorf("columns of stage %T: %w", stage, err)
		}
		columns = slices.DeleteFunc(slices.Clone(columns), func(c schema.Column) bool { return sch.Index(c.Name) >= 0 })
		if sch, err = sch.Extend(columns); err != nil {
			return nil, fmt.Errorf("columns of stage %T: %w", stage, err)
		}
	}
	return sch, nil
}

// Schema is the schema of a source, or the guess of it, nil if there is none yet.
func (s *schemas) Schema(source string) *schema.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	if g := s.guessed[source]; g != nil {
		return g.Schema
	}
	return s.find(source)
}

// known is the schema of a source, which is no guess; nil if it has none yet.
func (s *schemas) known(source string) *schema.Schema {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.find(source)
}

func (s *schemas) find(source string) *schema.Schema {
	if sch := s.sources[source]; sch != nil {
		return sch
	}
	declared, ok := s.job.Lake.Sources[source]
	if !ok || declared.Envelope == lakefile.EnvelopeAuto || declared.EventTime.Path == nil && !declared.Arrival {
		return nil
	}
	sch, err := s.stages(declared.Schema(source))
	if err != nil {
		return nil // base meets the same error and reports it
	}
	s.sources[source] = sch
	return sch
}

// base is what a source's schema is to be extended from, and how.
func (s *schemas) base(source string) (*schema.Schema, infer.Options, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.start(source)
}

func (s *schemas) start(source string) (*schema.Schema, infer.Options, error) {
	lake, sch := s.job.Lake.Source(source), s.find(source)
	had := sch != nil
	if !had {
		if sch = s.bases[source]; sch == nil {
			var err error
			if sch, err = s.stages(lake.Schema(source)); err != nil {
				return nil, infer.Options{}, err
			}
			s.bases[source] = sch
		}
	}
	return sch, infer.Options{
		MaxColumns: lake.MaxColumns, EventTime: !had && lake.EventTime.Path == nil && !lake.Arrival,
		Envelope: !had && lake.Envelope == lakefile.EnvelopeAuto, Misfits: had,
	}, nil
}

// guess has records decoded by guesses of their schemas.
func (s *schemas) guess(by map[string]*infer.Guess) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.guessed = by
}

// settle makes sch the schema of a source.
func (s *schemas) settle(source string, sch *schema.Schema, r infer.Report) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.take(source, sch, r)
}

func (s *schemas) take(source string, sch *schema.Schema, r infer.Report) {
	s.learned[source] = append(s.learned[source], r.Warnings...)
	s.added[source] = append(s.added[source], r.Added...)
	s.sources[source] = sch
}

// learn makes the schemas grow by what a pass has seen, and says whether they did, so that another pass is needed.
func (s *schemas) learn(p *infer.Profile) (news bool, err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, name := range p.Sources() {
		base, o, err := s.start(name)
		if err != nil {
			return false, err
		}
		next, r, err := p.Extend(base, o)
		if err != nil {
			return false, fmt.Errorf("columns of %s: %w", name, err)
		}
		if !o.Misfits || r.News() {
			news = true
			base = next
		}
		s.take(name, base, r)
	}
	return news, nil
}

// done ends the search for columns: what was learned is told, source by source.
func (s *schemas) done() {
	for _, source := range slices.Sorted(maps.Keys(s.learned)) {
		s.warnings = append(s.warnings, s.learned[source]...)
	}
}

// settled gives the schema as the log is to have it.
func (s *schemas) settled(source string) *schema.Schema {
	sch := s.Schema(source)
	if sch.Fixed {
		return sch
	}
	return sch.Fix()
}

// changed says whether the log has another schema of the source.
func (s *schemas) changed(source string) (bool, error) {
	stored := s.logged[source]
	if stored == nil {
		return true, nil
	}
	was, err := json.Marshal(stored)
	if err != nil {
		return false, fmt.Errorf("compare schemas of %s: %w", source, err)
	}
	is, err := json.Marshal(s.settled(source))
	if err != nil {
		return false, fmt.Errorf("compare schemas of %s: %w", source, err)
	}
	return !bytes.Equal(was, is), nil
}

// warn adds a warning for people, once.
func (s *schemas) warn(text string) {
	if !slices.Contains(s.warnings, text) {
		s.warnings = append(s.warnings, text)
	}
}

// recordsAt is a source's setting of that name.
func (s *schemas) recordsAt(source string) string { return s.job.Lake.Source(source).RecordsAt }

// bare are the folders whose records have no envelope whatever they look like.
func (s *schemas) bare() map[string]bool {
	m := map[string]bool{}
	for name, src := range s.job.Lake.Sources {
		if src.Envelope == lakefile.EnvelopeNone {
			m[name] = true
		}
	}
	return m
}

// cleanPlans are the plans of cleaning of one pass, compiled once for all workers. The zero value is ready.
type cleanPlans struct {
	mu   sync.Mutex
	made map[*schema.Schema]*clean.Plan
}

// of gives the plan of a schema, nil where there is nothing to clean.
func (c *cleanPlans) of(s *schema.Schema, m *clean.Masks) (*clean.Plan, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if p, ok := c.made[s]; ok {
		return p, nil
	}
	p, err := clean.NewPlan(s, m)
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrConfig, err)
	}
	if c.made == nil {
		c.made = map[*schema.Schema]*clean.Plan{}
	}
	c.made[s] = p
	return p, nil
}

// mask makes the masks of all sources that are declared or stored. It fails with ErrConfig where a salt is missing.
func (s *schemas) mask() error {
	s.masks = map[string]*clean.Masks{}
	columns := map[string][]schema.Column{}
	for name, src := range s.job.Lake.Sources {
		columns[name] = src.Columns
	}
	for name, sch := range s.sources {
		if !slices.Contains(s.refused, name) { // of these only texts are met, and the lake file says what may be shown
			columns[name] = sch.Columns
		}
	}
	for _, name := range slices.Sorted(maps.Keys(columns)) {
		m, err := clean.NewMasks(columns[name], s.job.Secret, s.job.limits())
		if err != nil {
			return fmt.Errorf("%w: source %s: %w", ErrConfig, name, err)
		}
		if m != nil {
			s.masks[name] = m
		}
	}
	return nil
}

// withheld ends the reason of a reject without its payload.
const withheld = "; its text is withheld, for it may hold what is masked: the raw object has it"

// hide takes out of a reject what its source masks. Where nobody knows whose record a text is, it may be that of any source that
// its folder can hold.
func (s *schemas) hide(r *batch.Reject) {
	if len(s.masks) == 0 || len(r.Payload) == 0 {
		return
	}
	if r.Record {
		if text, ok := s.masks[r.Source].Record(r.Payload); ok {
			r.Masked = !bytes.Equal(text, r.Payload)
			r.Payload = text
			return
		}
	} else if folder := r.Object.Source; s.masks[folder] == nil && s.bare()[folder] {
		return
	}
	r.Payload, r.Withheld, r.Truncated = nil, true, false
	r.Reason += withheld
}

// missing warns of names in expressions that the settled schemas do not have.
func (w *work) missing() error {
	for _, source := range slices.Sorted(maps.Keys(w.mapped.counts)) {
		sch := w.schemas.known(source)
		if sch == nil {
			continue
		}
		p, err := clean.NewPlan(sch, w.schemas.masks[source])
		if err != nil {
			return fmt.Errorf("%w: %w", ErrConfig, err)
		}
		for _, name := range p.Missing() {
			w.schemas.warn(fmt.Sprintf("%s: expressions name %s, which is no column of the table: it counts as null", source, name))
		}
	}
	return nil
}
