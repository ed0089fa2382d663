package clean

import (
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/apache/arrow/go/v17/arrow/array"

	"datalake/pkg/schema"
)

// test is one thing that the values of a column must be.
type test struct {
	name string // min, max, length, pattern, enum, elements, keys
	// fails marks the values of an array that are there and fail, and counts them.
	fails func(a arrow.Array, failed []bool) int
	// tell says of a value that fails what it is and ought to be, in words that follow its name; hidden: not what it is.
	tell func(a arrow.Array, i int, hidden bool) string
}

const maxShown = 60

// telling makes test.tell of what a value is shown as and why that is wrong.
func telling(why string, show func(a arrow.Array, i int) string) func(arrow.Array, int, bool) string {
	return func(a arrow.Array, i int, hidden bool) string {
		if hidden {
			return "is masked and " + why
		}
		return "is " + show(a, i) + ", " + why
	}
}

// quoted shows a text, its beginning where it is long.
func quoted(text string) string {
	if len(text) <= maxShown {
		return strconv.Quote(text)
	}
	n := maxShown
	for n > 0 && !utf8.RuneStart(text[n]) {
		n--
	}
	return strconv.Quote(text[:n]) + "…"
}

// noneOf says that a value is not among those allowed.
func noneOf(allowed []string) string {
	const most = 8
	if len(allowed) > most {
		return fmt.Sprintf("none of %s and %d more", strings.Join(allowed[:most], ", "), len(allowed)-most)
	}
	return "none of " + strings.Join(allowed, ", ")
}

// testsOf compiles what the values of a type must be. All faults are joined.
func testsOf(t schema.Type, c *schema.Check, column *schema.Column) ([]test, error) {
	var tests []test
	var faults []error
	add := func(x test, err error) {
		if err != nil {
			faults = append(faults, err)
			return
		}
		tests = append(tests, x)
	}
	k, err := fixedOf(t, column)
	if err != nil {
		return nil, err
	}
	if c.Min != "" || c.Max != "" {
		if k == nil || t.Kind == schema.Boolean {
			faults = append(faults, fmt.Errorf("min and max are for numbers, dates and timestamps, not for %s", t))
		} else {
			bounds, err := k.bounds(c)
			tests, faults = append(tests, bounds...), append(faults, err)
		}
	}
	if c.MinLength != nil || c.MaxLength != nil {
		add(lengthOf(t, c))
	}
	text := t.Kind == schema.String || t.Kind == schema.JSON
	if c.Pattern != "" {
		if !text {
			faults = append(faults, fmt.Errorf("pattern is for text, not for %s", t))
		} else {
			add(pattern(c.Pattern))
		}
	}
	if len(c.Enum) > 0 {
		switch {
		case text:
			add(enum(c.Enum), nil)
		case k != nil:
			add(k.enum(c.Enum))
		default:
			faults = append(faults, fmt.Errorf("enum is for single values, not for %s", t))
		}
	}
	if c.Elements != nil {
		if t.Elem == nil {
			faults = append(faults, fmt.Errorf("elements is for lists and maps, not for %s", t))
		} else if inner, err := testsOf(*t.Elem, c.Elements, column); err != nil {
			faults = append(faults, fmt.Errorf("elements: %w", err))
		} else {
			add(within("elements", inner, t.Kind == schema.Map), nil)
		}
	}
	if c.Keys != nil {
		if t.Kind != schema.Map {
			faults = append(faults, fmt.Errorf("keys is for maps, not for %s", t))
		} else if inner, err := testsOf(schema.Type{Kind: schema.String}, c.Keys, column); err != nil {
			faults = append(faults, fmt.Errorf("keys: %w", err))
		} else {
			add(within("keys", inner, true), nil)
		}
	}
	return tests, errors.Join(faults...)
}

// text gives the value i of a text or binary array.
func text(a arrow.Array, i int) string {
	switch a := a.(type) {
	case *array.String:
		return a.Value(i)
	case *array.Binary:
		return string(a.Value(i))
	}
	return ""
}

func shownText(a arrow.Array, i int) string { return quoted(text(a, i)) }

// texts makes the test of texts that fail where bad is true.
func texts(name, why string, bad func(string) bool) test {
	return test{
		name: name,
		fails: func(a arrow.Array, failed []bool) (n int) {
			s, ok := a.(*array.String)
			for i := 0; ok && i < s.Len(); i++ {
				if s.IsValid(i) && bad(s.Value(i)) {
					failed[i] = true
					n++
				}
			}
			return n
		},
		tell: telling(why, shownText),
	}
}

func pattern(expr string) (test, error) {
	re, err := regexp.Compile(expr)
	if err != nil {
		return test{}, fmt.Errorf("pattern: %w", err)
	}
	return texts("pattern", "not matching "+expr, func(s string) bool { return !re.MatchString(s) }), nil
}

func enum(values []string) test {
	allowed := map[string]bool{}
	var shown []string
	for _, v := range values {
		allowed[scalar(v)] = true
		shown = append(shown, quoted(scalar(v)))
	}
	return texts("enum", noneOf(shown), func(s string) bool { return !allowed[s] })
}

// lengthOf makes the test of characters, bytes or elements.
func lengthOf(t schema.Type, c *schema.Check) (test, error) {
	var count func(a arrow.Array, i int) int
	unit := "elements"
	switch t.Kind {
	case schema.String, schema.JSON:
		unit = "characters"
		count = func(a arrow.Array, i int) int { return utf8.RuneCountInString(text(a, i)) }
	case schema.Binary:
		unit = "bytes"
		count = func(a arrow.Array, i int) int { return len(text(a, i)) }
	case schema.List, schema.Map:
		count = func(a arrow.Array, i int) int {
			from := arrow.GetOffsets[int32](a.Data(), 1)
			return int(from[i+1] - from[i])
		}
	default:
		return test{}, fmt.Errorf("length is for text, binary, lists and maps, not for %s", t)
	}
	why := ""
	switch {
	case c.MaxLength == nil:
		why = fmt.Sprintf("at least %d are needed", *c.MinLength)
	case c.MinLength == nil:
		why = fmt.Sprintf("at most %d are allowed", *c.MaxLength)
	default:
		why = fmt.Sprintf("%d to %d are allowed", *c.MinLength, *c.MaxLength)
	}
	return test{
		name: "length",
		fails: func(a arrow.Array, failed []bool) (n int) {
			for i := range a.Len() {
				if a.IsNull(i) {
					continue
				}
				if l := count(a, i); c.MinLength != nil && l < *c.MinLength || c.MaxLength != nil && l > *c.MaxLength {
					failed[i] = true
					n++
				}
			}
			return n
		},
		tell: func(a arrow.Array, i int, _ bool) string {
			if n := count(a, i); n != 1 {
				return fmt.Sprintf("has %d %s, %s", n, unit, why)
			}
			return fmt.Sprintf("has 1 %s, %s", unit[:len(unit)-1], why)
		},
	}, nil
}

// within makes the test of lists and maps whose elements, values or keys must pass tests: name is elements or keys.
func within(name string, tests []test, ofMap bool) test {
	// parts gives the elements, values or keys, and where those of each list begin.
	parts := func(a arrow.Array) (arrow.Array, []int32) {
		from := arrow.GetOffsets[int32](a.Data(), 1)
		if m, ok := a.(*array.Map); ok {
			if name == "keys" {
				return m.Keys(), from
			}
			return m.Items(), from
		}
		return a.(*array.List).ListValues(), from
	}
	// find gives the first of the parts from one on up to another that fails, and the test that it fails.
	find := func(a arrow.Array, from, to int) (int, *test) {
		for i := from; i < to; i++ {
			one := array.NewSlice(a, int64(i), int64(i+1))
			for t := range tests {
				if failed := []bool{false}; tests[t].fails(one, failed) > 0 {
					one.Release()
					return i, &tests[t]
				}
			}
			one.Release()
		}
		return -1, nil
	}
	return test{
		name: name,
		fails: func(a arrow.Array, failed []bool) (n int) {
			all, from := parts(a)
			bad, any := make([]bool, all.Len()), 0
			for _, t := range tests {
				any += t.fails(all, bad)
			}
			for i := 0; any > 0 && i < a.Len(); i++ {
				for e := from[i]; e < from[i+1] && a.IsValid(i); e++ {
					if bad[e] {
						failed[i] = true
						n++
						break
					}
				}
			}
			return n
		},
		tell: func(a arrow.Array, i int, hidden bool) string {
			all, from := parts(a)
			e, t := find(all, int(from[i]), int(from[i+1]))
			if t == nil {
				return ""
			}
			what := fmt.Sprintf("element %d", e-int(from[i])+1)
			switch {
			case name == "keys":
				what = "a key"
			case ofMap && !hidden:
				what = "under " + shownText(a.(*array.Map).Keys(), e) + " a value"
			case ofMap:
				what = "a value"
			}
			return "has " + what + " that " + t.tell(all, e, hidden)
		},
	}
}
