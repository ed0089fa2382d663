package clean

import (
	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"
	"github.com/apache/arrow/go/v17/arrow/memory"

	"datalake/pkg/batch"
	"datalake/pkg/expr"
	"datalake/pkg/schema"
)

// Cleaner cleans the batches of one source by a plan. For one goroutine.
type Cleaner struct {
	plan *Plan
	mem  memory.Allocator

	// What follows is of the batch at work.
	b        *batch.Batch
	cols     []arrow.Array // in the place of the batch's; nil: those stay
	operands []operand     // what counts as applicable, for the score
	failures []failure     // of rules that do not reject
	failed   []uint16      // failed rules by row; nil: none has failed anything
	bad      []bool        // scratch
	frame    frame         // of expressions
	nulls    []bool        // rows in which the column at work becomes null
}

// operand is what some rules ask of each row: not applicable where it is null.
type operand struct {
	column arrow.Array // nil: rows says where it is there
	rows   []bool
	rules  int
}

// failure is one rule's failed rows.
type failure struct {
	rule string
	rows []int
}

// Cleaner makes a cleaner. It takes arrays from mem.
func (p *Plan) Cleaner(mem memory.Allocator) *Cleaner { return &Cleaner{plan: p, mem: mem} }

// Apply cleans a batch, which has the columns of the plan's schema, those that are derived being null. Rows that fail a rule that
// rejects are in its Rejected. failed counts, by rule, the other rows that failed a rule and stay.
func (c *Cleaner) Apply(b *batch.Batch) (failed map[string]int64, err error) {
	c.b, c.cols = b, make([]arrow.Array, b.Record.NumCols())
	c.operands, c.failures, c.failed = c.operands[:0], c.failures[:0], nil
	defer c.reset()
	for i := range c.plan.columns {
		if err := c.column(&c.plan.columns[i]); err != nil {
			return nil, err
		}
	}
	for i := range c.plan.rules {
		c.rule(&c.plan.rules[i])
	}
	for _, m := range c.plan.masked {
		a, err := m.tidy(c.at(m.at), c.mem)
		if err != nil {
			return nil, err
		}
		c.set(m.at, a)
	}
	if c.plan.quality >= 0 && c.failed != nil {
		c.set(c.plan.quality, c.scores())
	}
	for _, col := range c.cols {
		if col != nil {
			b.SetColumns(c.cols)
			c.cols = nil
			break
		}
	}
	return c.count(), nil
}

// reset gives back what is left of a batch's work.
func (c *Cleaner) reset() {
	for _, col := range c.cols {
		if col != nil {
			col.Release()
		}
	}
	for i := range c.operands {
		if col := c.operands[i].column; col != nil {
			col.Release()
		}
	}
	clear(c.operands)
	c.b, c.cols, c.frame.column = nil, nil, nil
}

// at gives a column as it is by now.
func (c *Cleaner) at(i int) arrow.Array {
	if c.cols[i] != nil {
		return c.cols[i]
	}
	return c.b.Record.Column(i)
}

// set puts a in the place of a column. It takes over a.
func (c *Cleaner) set(i int, a arrow.Array) {
	if a == c.b.Record.Column(i) {
		a.Release()
		return
	}
	if c.cols[i] != nil {
		c.cols[i].Release()
	}
	c.cols[i] = a
}

// column does the work on one column, up to what failed checks make null.
func (c *Cleaner) column(p *column) error {
	if p.made != nil {
		c.derive(p)
	}
	if p.tidy != nil {
		a, err := p.tidy(c.at(p.at), c.mem)
		if err != nil {
			return err
		}
		c.set(p.at, a)
	}
	nulled := false
	if len(p.checks) > 0 {
		c.nulls = zeroed(c.nulls, c.b.NumRows())
		a := c.at(p.at)
		a.Retain()
		c.operands = append(c.operands, operand{column: a, rules: len(p.checks)})
		for i := range p.checks {
			nulled = c.check(p, &p.checks[i], a) || nulled
		}
		if nulled {
			is, err := batch.Null(a, c.nulls, c.mem)
			if err != nil {
				return err
			}
			c.set(p.at, is)
		}
	}
	if a := c.at(p.at); p.required && a.NullN() > 0 {
		for row := range a.Len() {
			if a.IsNull(row) {
				reason := "no " + p.path
				if nulled && c.nulls[row] {
					reason += ": its value failed a check"
				}
				c.b.Reject(row, ruleRequired, reason)
			}
		}
	}
	return nil
}

// check finds the rows that fail a check, and says whether some become null for it.
func (c *Cleaner) check(p *column, k *check, a arrow.Array) (nulled bool) {
	entries, codes := a, []uint32(nil)
	if d, ok := a.(*array.Dictionary); ok {
		entries, codes = d.Dictionary(), arrow.GetValues[uint32](d.Indices().Data(), 1)
	}
	c.bad = zeroed(c.bad, entries.Len())
	if k.fails(entries, c.bad) == 0 {
		return false
	}
	var rows []int
	for row := range a.Len() {
		at := row
		if codes != nil {
			at = int(codes[row])
		}
		if !c.bad[at] || a.IsNull(row) {
			continue
		}
		if k.onFail == schema.FailReject {
			c.b.Reject(row, k.rule, p.path+" "+k.tell(entries, at, p.hidden))
			continue
		}
		rows = append(rows, row)
		if k.onFail == schema.FailNull {
			c.nulls[row], nulled = true, true
		}
	}
	c.fail(k.rule, rows)
	return nulled
}

// zeroed gives n zeros, in s if that is large enough.
func zeroed(s []bool, n int) []bool {
	if cap(s) < n {
		return make([]bool, n)
	}
	s = s[:n]
	clear(s)
	return s
}

// fail notes the rows that failed a rule and stay.
func (c *Cleaner) fail(rule string, rows []int) {
	if len(rows) == 0 {
		return
	}
	if c.failed == nil {
		c.failed = make([]uint16, c.b.NumRows())
	}
	for _, row := range rows {
		c.failed[row]++
	}
	c.failures = append(c.failures, failure{rule, rows})
}

// derive makes a derived column.
func (c *Cleaner) derive(p *column) {
	asked := make([]bool, c.b.NumRows())
	var rows []int
	a := p.made.derive(p.typ, c.begin(), c.mem, func(row int) { rows = append(rows, row) }, func(row int) { asked[row] = true })
	c.set(p.at, a)
	c.operands = append(c.operands, operand{rows: asked, rules: 1})
	c.fail(p.name+"."+ruleDerived, rows)
}

// begin makes ready for an expression.
func (c *Cleaner) begin() *frame {
	c.frame.arena.reset()
	c.frame.n, c.frame.column = c.b.NumRows(), c.at
	return &c.frame
}

// rule asks a rule of all rows.
func (c *Cleaner) rule(r *rule) {
	asked := make([]bool, c.b.NumRows())
	var rows []int
	r.each(c.begin(), func(v *vector, row int) bool {
		switch {
		case v.state == nil || v.state[row] == there:
			asked[row] = true
			return v.ints[row] == 1
		case v.state[row] == null:
			return true
		}
		return false
	}, func(row int, v expr.Value, operands []expr.Value) {
		if v.Kind() == expr.KindNull {
			return
		}
		asked[row] = true
		switch {
		case v.IsTrue():
		case r.onFail == schema.FailReject:
			c.b.Reject(row, r.name, r.why(v, operands))
		default:
			rows = append(rows, row)
		}
	})
	c.operands = append(c.operands, operand{rows: asked, rules: 1})
	c.fail(r.name, rows)
}

// scores makes the column quality_score: of each row's applicable rules the share that passed.
func (c *Cleaner) scores() arrow.Array {
	n := c.b.NumRows()
	asked := make([]int, n)
	for _, o := range c.operands {
		for row := range asked {
			if o.column != nil && o.column.IsValid(row) || o.column == nil && o.rows[row] {
				asked[row] += o.rules
			}
		}
	}
	m := &batch.Maker{Mem: c.mem, N: n, Buffers: []*memory.Buffer{nil}}
	defer m.Release()
	out := arrow.GetData[float64](m.Buffer(8 * n))
	for row := range out {
		out[row] = 1
		if f := int(c.failed[row]); f > 0 {
			out[row] = float64(asked[row]-f) / float64(asked[row])
		}
	}
	return finish(m, arrow.PrimitiveTypes.Float64)
}

// count gives the numbers of rows that failed a rule and stay.
func (c *Cleaner) count() map[string]int64 {
	if len(c.failures) == 0 {
		return nil
	}
	rejected := map[int]bool{}
	for _, r := range c.b.Rejected {
		rejected[r.Row] = true
	}
	var counts map[string]int64
	for _, f := range c.failures {
		for _, row := range f.rows {
			if rejected[row] {
				continue
			}
			if counts == nil {
				counts = map[string]int64{}
			}
			counts[f.rule]++
		}
	}
	return counts
}
