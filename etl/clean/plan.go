package clean

import (
	"errors"
	"fmt"
	"slices"

	"datalake/pkg/expr"
	"datalake/pkg/schema"
)

// ErrSchema: a source's schema says something of cleaning that cannot be done. It joins all faults of that schema.
var ErrSchema = errors.New("schema cannot be cleaned by")

// The rules that are not named by the lake file.
const (
	ruleRequired = "required"
	ruleDerived  = "derived"
)

// Plan is what the schema of one source says of cleaning, compiled. It does not change and is safe for concurrent use.
type Plan struct {
	columns []column // in the order of work
	rules   []rule
	masked  []masked
	quality int // the column quality_score; -1: none, or nothing is scored
	missing []string
}

// column is the work on one column.
type column struct {
	at       int
	name     string
	typ      schema.Type
	path     string   // for people: the column's path, or its name where it has none
	made     *formula // of a derived column
	tidy     tidier   // nil: the values stay
	checks   []check
	required bool
	hidden   bool // messages must not tell values
}

// check is a test with its name and what happens.
type check struct {
	test
	rule   string
	onFail string
}

// rule is a condition on rows.
type rule struct {
	*formula
	name   string
	onFail string
}

// masked is a column whose texts are rewritten last of all.
type masked struct {
	at   int
	tidy tidier
}

// NewPlan compiles what a schema says of cleaning, with the masks of its source; nil: nothing. Errors: ErrSchema.
func NewPlan(s *schema.Schema, masks *Masks) (*Plan, error) {
	p := &Plan{quality: -1}
	var faults []error
	fault := func(format string, args ...any) { faults = append(faults, fmt.Errorf(format, args...)) }
	hidden := map[string]bool{} // columns, and derived ones that name them
	for i := range s.Columns {
		if masks.of(&s.Columns[i]) != nil {
			hidden[s.Columns[i].Name] = true
		}
	}
	env := expr.NewEnv(known(s), true)
	formulaOf := func(text string) (*formula, bool) {
		f, err := newFormula(env, s, text)
		if err != nil {
			fault("%w", err)
			return nil, false
		}
		for _, name := range f.Columns {
			f.hidden = f.hidden || hidden[name]
			if s.Index(name) < 0 && !slices.Contains(p.missing, name) {
				p.missing = append(p.missing, name)
			}
		}
		return f, true
	}
	for _, derived := range []bool{false, true} {
		for i := range s.Columns {
			c := &s.Columns[i]
			if (c.Role == schema.Derived) != derived {
				continue
			}
			is := column{at: i, name: c.Name, typ: c.Type, path: c.Path.String(), hidden: hidden[c.Name]}
			if c.Path == nil {
				is.path = c.Name
			}
			if derived && c.Expr != "" { // a derived column that is declared no more is null from then on
				f, ok := formulaOf(c.Expr)
				if !ok {
					continue
				}
				if err := f.Fits(c.Type); err != nil {
					fault("column %s: %w", c.Name, err)
					continue
				}
				if f.hidden {
					hidden[c.Name], is.hidden = true, true
				}
				is.made = f
			}
			if err := is.compile(c); err != nil {
				fault("column %s: %w", c.Name, err)
			}
			if is.made != nil || is.tidy != nil || len(is.checks) > 0 || is.required {
				p.columns = append(p.columns, is)
			}
		}
	}
	for _, r := range s.Rules {
		f, ok := formulaOf(r.Expr)
		if !ok {
			continue
		}
		if f.Kind != expr.KindBool && f.Kind != expr.KindDyn && f.Kind != expr.KindNull {
			fault("rule %s: %s is %s; a rule is true or false", r.Name, r.Expr, f.Kind)
		}
		if f.gives != expr.KindBool { // a column of any type may turn out to be another
			f.kernel = nil
		}
		p.rules = append(p.rules, rule{f, r.Name, r.OnFail})
	}
	p.mask(s, masks)
	if len(faults) > 0 {
		return nil, fmt.Errorf("%w: source %s: %w", ErrSchema, s.Source, errors.Join(faults...))
	}
	if len(p.columns)+len(p.rules)+len(p.masked) == 0 {
		return nil, nil
	}
	if len(p.rules) > 0 || slices.ContainsFunc(p.columns, func(c column) bool { return c.made != nil || len(c.checks) > 0 }) {
		p.quality = s.ByRole(schema.Quality)
	}
	return p, nil
}

// Missing names what expressions name and the schema does not have: it is null in every row.
func (p *Plan) Missing() []string {
	if p == nil {
		return nil
	}
	return p.missing
}

// known are the columns whose types expressions rely on. What inference has found may be another type in another lake, so
// an expression that does not fit it fails row by row, and not before.
func known(s *schema.Schema) []schema.Column {
	out := slices.Clone(s.Columns)
	for i := range out {
		if c := &out[i]; c.Role == schema.Data && !c.Declared {
			c.Type = schema.Type{}
		}
	}
	return out
}

func (is *column) compile(c *schema.Column) error {
	var faults []error
	nulls := false // can become null here
	if c.Clean != nil {
		var err error
		if is.tidy, err = tidierOf(c.Type, c.Clean, c, true); err != nil {
			faults = append(faults, err)
		}
		nulls = len(c.Clean.Nulls) > 0
		if c.Clean.Mask != nil && c.Type.Kind != schema.String {
			faults = append(faults, fmt.Errorf("a mask is for text, not for %s", c.Type))
		}
	}
	if c.Check != nil {
		tests, err := testsOf(c.Type, c.Check, c)
		if err != nil {
			faults = append(faults, err)
		}
		for _, t := range tests {
			is.checks = append(is.checks, check{test: t, rule: c.Name + "." + t.name, onFail: c.Check.OnFail})
		}
		nulls = nulls || c.Check.OnFail == schema.FailNull
	}
	// A value that does not come at all is missed while decoding.
	is.required = c.Required && nulls
	return errors.Join(faults...)
}

// mask puts the masks in.
func (p *Plan) mask(s *schema.Schema, masks *Masks) {
	for i := range s.Columns {
		c := &s.Columns[i]
		var f rewrite
		switch m := masks.of(c); {
		case m != nil:
			f = m.append
		case masks != nil && c.Role == schema.Rescued:
			f = masks.rescued
		case c.Type.Kind == schema.JSON:
			f = masks.below(c.Path)
		}
		if f != nil {
			p.masked = append(p.masked, masked{i, rewriter(f, nil, nil)})
		}
	}
}
