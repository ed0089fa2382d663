package lakefile

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// literal is a value that the file gives for a column.
type literal struct {
	text   string   // as it was written
	json   string   // as a JSON scalar
	number *big.Rat // of numbers, dates and timestamps: what orders them
}

// compare orders literals of one column; 0 for those without an order.
func (l literal) compare(m literal) int {
	if l.number == nil || m.number == nil {
		return 0
	}
	return l.number.Cmp(m.number)
}

// same says whether two literals of one column are one value.
func (l literal) same(m literal) bool {
	if l.number != nil && m.number != nil {
		return l.compare(m) == 0
	}
	return l.json == m.json
}

// value reads a value of a column's type, which is one of single values.
func (r *reader) value(n *node, key string, t schema.Type) (literal, bool) {
	allowed := allowedValue(t)
	if n.kind != scalar {
		r.bad(n, key, "a value is needed, this is "+n.kind.String(), allowed)
		return literal{}, false
	}
	l, ok := literalOf(n, t)
	if !ok {
		r.bad(n, key, fmt.Sprintf("%q is no %s", n.text, t), allowed)
	}
	return l, ok
}

func allowedValue(t schema.Type) string {
	switch t.Kind {
	case schema.Boolean:
		return "allowed are true, false"
	case schema.Int, schema.Bigint:
		return fmt.Sprintf("an integer of %d bits is needed", map[schema.Kind]int{schema.Int: 32, schema.Bigint: 64}[t.Kind])
	case schema.Float, schema.Double:
		return "a number is needed"
	case schema.Decimal:
		return fmt.Sprintf("a number of at most %d digits before the point and %d after it is needed", t.Precision-t.Scale, t.Scale)
	case schema.Date:
		return "a date such as 2000-01-31 is needed"
	case schema.Timestamp:
		return "a date such as 2000-01-31, or a time such as 2000-01-31T12:30:00Z, is needed"
	}
	return "a text is needed"
}

func literalOf(n *node, t schema.Type) (literal, bool) {
	l := literal{text: n.text, json: quoted(n.text)}
	switch t.Kind {
	case schema.String:
		return l, true
	case schema.Boolean:
		l.json = n.text
		return l, (n.text == "true" || n.text == "false") && !n.quoted
	case schema.Int, schema.Bigint:
		bits := map[schema.Kind]int{schema.Int: 32, schema.Bigint: 64}[t.Kind]
		i, err := strconv.ParseInt(n.text, 10, bits)
		l.number, l.json = new(big.Rat).SetInt64(i), strconv.FormatInt(i, 10)
		return l, err == nil
	case schema.Float, schema.Double:
		f, err := strconv.ParseFloat(n.text, 64)
		if err != nil || math.IsNaN(f) || math.IsInf(f, 0) || t.Kind == schema.Float && math.Abs(f) > math.MaxFloat32 || strings.ContainsAny(n.text, "xXpP_") {
			return l, false
		}
		l.number = new(big.Rat)
		l.number.SetFloat64(f)
		l.json = strconv.FormatFloat(f, 'g', -1, 64)
		return l, true
	case schema.Decimal:
		whole, part, _ := strings.Cut(strings.TrimPrefix(n.text, "-"), ".")
		whole, part = strings.TrimLeft(whole, "0"), strings.TrimRight(part, "0")
		if !digits(whole+part) || len(whole) > t.Precision-t.Scale || len(part) > t.Scale {
			return l, false
		}
		number, ok := new(big.Rat).SetString(n.text)
		if !ok {
			return l, false
		}
		l.number, l.json = number, number.FloatString(len(part))
		return l, true
	case schema.Date:
		d, ok := timeparse.Date([]byte(n.text))
		l.number = new(big.Rat).SetInt64(int64(d))
		return l, ok
	case schema.Timestamp:
		ms, ok := moment(n.text)
		l.number = new(big.Rat).SetInt64(ms)
		return l, ok
	}
	return l, false
}

func digits(s string) bool { return strings.Trim(s, "0123456789") == "" }

// quoted is a text as a JSON string.
func quoted(s string) string {
	var b strings.Builder
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(s); err != nil {
		return strconv.Quote(s) // strings encode without an error: this cannot be
	}
	return strings.TrimSuffix(b.String(), "\n")
}

// bounds reads the least and the greatest value, of m's keys min and max.
func (r *reader) bounds(m map[string]*node, key string, t schema.Type) (low, high *literal) {
	for name, to := range map[string]**literal{"min": &low, "max": &high} {
		if v := m[name]; v != nil {
			if l, ok := r.value(v, join(key, name), t); ok {
				*to = &l
			}
		}
	}
	if low != nil && high != nil && low.compare(*high) > 0 {
		r.bad(m["min"], join(key, "min"), fmt.Sprintf("min %s is greater than max %s", low.text, high.text), "")
	}
	return low, high
}

// textOf is a literal as the schema has it, empty for none.
func textOf(l *literal) string {
	if l == nil {
		return ""
	}
	return l.text
}

// values reads a list of values of a column's type, all different.
func (r *reader) values(n *node, key string, t schema.Type) []literal {
	items := []*node{n}
	if n.kind == list {
		items = n.items
		if len(items) == 0 {
			r.bad(n, key, "the list is empty", allowedValue(t))
		}
	}
	var out []literal
	for i, x := range items {
		k := key
		if n.kind == list {
			k = fmt.Sprintf("%s[%d]", key, i+1)
		}
		if x.kind == null {
			r.bad(x, k, "null is no value", "null passes any check; quotes make a text of the word")
			continue
		}
		l, ok := r.value(x, k, t)
		if !ok {
			continue
		}
		if slices.ContainsFunc(out, l.same) {
			r.bad(x, k, fmt.Sprintf("%s is there twice", l.text), "")
			continue
		}
		out = append(out, l)
	}
	return out
}
