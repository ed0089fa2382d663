package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"

	"datalake/pkg/jsontext"
)

// refLake is the engine as it would be if neither speed nor memory mattered: maps, and everything looked at one after the
// other. It knows sources that declare nothing, NDJSON lines, and the kinds of values that dirty makes.
type refLake struct {
	tables  map[string]*refTable
	rejects []string // object, offset, rule
	in, out int
	dups    int
	rescued int
}

// refTable is one source's table.
type refTable struct {
	types map[string]string // by path, each key followed by a slash; "" stands for an object that is flattened
	// scalars are the types of columns at paths where older records had objects.
	scalars map[string]string
	time    string          // path of the event time, "" for none
	seen    map[string]bool // dedupe keys
	rows    map[string][]string
}

// refLine is one line of a raw object.
type refLine struct {
	object, source string
	offset         int
	text           []byte
	arrived        time.Time
}

// refRecord is a record that was read.
type refRecord struct {
	source, id, prefix string
	ingested           time.Time
	fields             map[string]any // by path, objects flattened
	rescued            map[string]any // of the envelope
}

var timeFields = []string{"event_time", "timestamp", "time", "ts", "created_at", "occurred_at"}

// run takes the lines of a run, in the order of their origins.
func (l *refLake) run(lines []refLine) {
	bySource := map[string][]refRecord{}
	var order []refRecord
	for _, line := range lines {
		if len(bytes.TrimSpace(line.text)) == 0 {
			continue
		}
		l.in++
		r, rule := readLine(line)
		if rule != "" {
			l.rejects = append(l.rejects, fmt.Sprintf("%s %d %s", line.object, line.offset, rule))
			continue
		}
		bySource[r.source] = append(bySource[r.source], r)
		order = append(order, r)
	}
	for source, records := range bySource {
		if l.tables[source] == nil {
			l.tables[source] = &refTable{seen: map[string]bool{}, rows: map[string][]string{}}
		}
		l.tables[source].infer(records)
	}
	for _, r := range order {
		t := l.tables[r.source]
		day, row, rescued := t.row(r)
		if rescued { // counted of duplicates too
			l.rescued++
		}
		if t.seen[r.id] {
			l.dups++
			continue
		}
		t.seen[r.id] = true
		l.out++
		t.rows[day] = append(t.rows[day], row)
	}
}

// readLine reads one record, or says by which rule it is rejected.
func readLine(line refLine) (r refRecord, rule string) {
	d := json.NewDecoder(bytes.NewReader(line.text))
	d.UseNumber()
	var v any
	if !json.Valid(line.text) || d.Decode(&v) != nil {
		return r, "json"
	}
	if !utf8.Valid(line.text) || bytes.Contains(line.text, []byte(`\ud800`)) {
		return r, "encoding"
	}
	m, ok := v.(map[string]any)
	if !ok {
		return r, "object"
	}
	r = refRecord{source: line.source, ingested: line.arrived, fields: map[string]any{}, rescued: map[string]any{}}
	data, hasData := m["data"].(map[string]any)
	source, _ := m["source"].(string)
	if hasData && source != "" {
		r.source, r.prefix = source, "data/"
		if v := m["ingested_at"]; v != nil {
			if t, ok := parseTime(v); ok {
				r.ingested = t
			} else {
				r.rescued["ingested_at"] = v
			}
		}
		r.id, _ = m["record_id"].(string)
		delete(m, "source")
		delete(m, "record_id")
		delete(m, "ingested_at")
	}
	if r.id == "" {
		r.id = "hash of " + canonical(map[string]any{"source": r.prefix + source, "rest": m, "data": data})
	}
	flatten(r.fields, "", m)
	return r, ""
}

func flatten(to map[string]any, path string, m map[string]any) {
	for k, v := range m {
		to[path+k+"/"] = v
		if sub, ok := v.(map[string]any); ok {
			flatten(to, path+k+"/", sub)
		}
	}
}

// canonical is one text for all spellings of a value.
func canonical(v any) string {
	switch v := v.(type) {
	case json.Number:
		return "number " + rat(v.String()).RatString()
	case []any:
		s := make([]string, len(v))
		for i := range v {
			s[i] = canonical(v[i])
		}
		return "[" + strings.Join(s, ",") + "]"
	case map[string]any:
		s := []string{}
		for k := range v {
			s = append(s, strconv.Quote(k)+":"+canonical(v[k]))
		}
		slices.Sort(s)
		return "{" + strings.Join(s, ",") + "}"
	}
	return fmt.Sprintf("%T %q", v, fmt.Sprint(v))
}

func rat(s string) *big.Rat { r, _ := new(big.Rat).SetString(s); return r }

// infer settles the types of paths that the table does not know yet, and in its first run the event time.
func (t *refTable) infer(records []refRecord) {
	values := map[string][]any{}
	for _, r := range records {
		for p, v := range r.fields {
			if v != nil {
				values[p] = append(values[p], v)
			}
		}
	}
	if t.types == nil {
		t.types, t.scalars = map[string]string{}, map[string]string{}
		for _, name := range timeFields {
			good := 0
			for _, v := range values[records[0].prefix+name+"/"] {
				if _, ok := parseTime(v); ok {
					good++
				}
			}
			if t.time == "" && good*100 >= len(records)*95 {
				t.time = records[0].prefix + name + "/"
			}
		}
	}
	for _, p := range slices.Sorted(keys(values)) { // a parent comes before what is in it
		typ, known := t.types[p]
		switch {
		case p == t.time || t.covered(p):
		case !known:
			t.types[p] = typeOf(values[p])
		case typ == "": // objects here are flattened; what else comes is a column of its own
			others := slices.DeleteFunc(values[p], func(v any) bool { _, object := v.(map[string]any); return object })
			if len(others) > 0 && t.scalars[p] == "" {
				t.scalars[p] = typeOf(others)
			}
		}
	}
}

// covered says whether a column above the path takes what is there.
func (t *refTable) covered(path string) bool {
	for i, c := range path[:len(path)-1] {
		if c == '/' && t.types[path[:i+1]] != "" {
			return true
		}
	}
	return false
}

var numberText = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)

// typeOf is the type of a column with these values, none of which is null.
func typeOf(values []any) string {
	is := map[string]bool{}
	ints, beyond := 0, 0
	var elements []any
	number := func(s string) {
		if strings.ContainsAny(s, ".eE") {
			is["fraction"] = true
			return
		}
		f, err := strconv.ParseFloat(s, 64)
		is["lossy"] = is["lossy"] || err != nil || new(big.Rat).SetFloat64(f).Cmp(rat(s)) != 0
		if ints++; !rat(s).Num().IsInt64() {
			beyond++
		}
	}
	for _, v := range values {
		switch v := v.(type) {
		case bool:
			is["boolean"] = true
		case json.Number:
			is["number"] = true
			number(v.String())
		case map[string]any:
			is["object"] = true
		case []any:
			is["list"] = true
			elements = append(elements, v...)
		case string:
			if numberText.MatchString(v) {
				is["quoted"] = true
				number(v)
				continue
			}
			_, date := time.Parse(time.DateOnly, v)
			_, instant := parseTime(v)
			is["date"], is["time"], is["text"] = is["date"] || date == nil, is["time"] || instant, is["text"] || date != nil && !instant
		}
	}
	only := func(kinds ...string) bool {
		for k, yes := range is {
			if yes && !slices.Contains(append(kinds, "fraction", "lossy"), k) {
				return false
			}
		}
		return true
	}
	switch {
	case only("object"):
		return ""
	case only("boolean"):
		return "boolean"
	case is["number"] && only("number", "quoted"):
		switch {
		case !is["fraction"] && beyond*2 <= ints:
			return "bigint"
		case !is["fraction"] || !is["lossy"]:
			return "double"
		}
	case only("date"):
		return "date"
	case only("time"):
		return "timestamp"
	case only("text", "date", "time", "quoted"):
		return "string"
	case only("list"):
		if e := typeOf(slices.DeleteFunc(elements, func(v any) bool { return v == nil })); e != "json" && e != "" && !strings.HasPrefix(e, "list") {
			return "list " + e
		}
	}
	return "json"
}

func parseTime(v any) (time.Time, bool) {
	s, _ := v.(string)
	t, err := time.Parse(time.RFC3339, s)
	return t.Truncate(time.Millisecond), err == nil
}

// row gives a record's partition and row, and says whether something of it was rescued.
func (t *refTable) row(r refRecord) (partition, text string, isRescued bool) {
	row, rescued := map[string]string{}, map[string]json.RawMessage{}
	rescue := func(p string, v any) {
		b, _ := json.Marshal(v)
		rescued[strings.ReplaceAll(strings.TrimSuffix(p, "/"), "/", ".")] = b
	}
	for p, v := range r.rescued {
		rescue(p, v)
	}
	event := r.ingested
	if v := r.fields[t.time]; v != nil {
		at, ok := parseTime(v)
		if ok && at.Year() >= 2000 && !at.After(r.ingested.Add(24*time.Hour)) {
			event = at
		} else {
			rescue(t.time, v)
		}
	}
	for p, v := range r.fields {
		typ, known := t.types[p]
		_, object := v.(map[string]any)
		if v == nil || p == t.time || !known || typ == "" && object {
			continue
		}
		if typ == "" {
			typ = t.scalars[p]
		}
		name := strings.Trim(strings.ReplaceAll(strings.TrimPrefix(p, r.prefix), "/", "_"), "_")
		text, exact := convert(typ, v)
		if text != "" {
			row[name] = text
		}
		if !exact {
			rescue(p, v)
		}
	}
	set := func(name, value string, hidden bool) {
		if !hidden {
			row[name] = value
		}
	}
	set("record_id", string(jsontext.AppendQuoted(nil, []byte(r.id))), strings.HasPrefix(r.id, "hash of "))
	set("event_time", timeText(event), event.Equal(r.ingested))
	set("ingested_at", timeText(r.ingested), r.ingested.Equal(firstArrival))
	if len(rescued) > 0 {
		b, _ := json.Marshal(rescued)
		row["_rescued"] = string(b)
	}
	raw := map[string]json.RawMessage{}
	for k, v := range row {
		raw[k] = json.RawMessage(v)
	}
	line, _ := json.Marshal(raw)
	return "source=" + r.source + event.UTC().Format("/year=2006/month=01/day=02"), string(line), len(rescued) > 0
}

// convert gives a value as the column's type has it, as JSON text; "" where it does not fit. It is exact where nothing need
// be rescued.
func convert(typ string, v any) (text string, exact bool) {
	number := fmt.Sprint(v)
	s, isString := v.(string)
	_, isNumber := v.(json.Number)
	numeric := isNumber || isString && numberText.MatchString(s)
	switch typ {
	case "json":
		b, err := json.Marshal(v)
		return string(b), err == nil
	case "string":
		if isString {
			return string(jsontext.AppendQuoted(nil, []byte(s))), true
		}
	case "boolean":
		if b := fmt.Sprint(v); b == "true" || b == "false" {
			return b, true
		}
	case "date":
		if _, err := time.Parse(time.DateOnly, s); err == nil {
			return strconv.Quote(s), true
		}
	case "timestamp":
		if t, ok := parseTime(v); ok {
			return timeText(t), true
		}
	case "bigint":
		if numeric && rat(number).IsInt() && rat(number).Num().IsInt64() {
			return rat(number).Num().String(), true
		}
	case "double":
		if numeric {
			if f, err := strconv.ParseFloat(number, 64); err == nil {
				shortest := strconv.FormatFloat(f, 'g', -1, 64)
				return floatText(f), rat(shortest).Cmp(rat(number)) == 0
			}
		}
	default:
		list, ok := v.([]any)
		parts := make([]string, len(list))
		for i, e := range list {
			if parts[i], exact = "null", true; e != nil {
				parts[i], exact = convert(strings.TrimPrefix(typ, "list "), e)
			}
			ok = ok && exact
		}
		if ok {
			return "[" + strings.Join(parts, ",") + "]", true
		}
	}
	return "", false
}

// timeText is a time as rows have it.
func timeText(t time.Time) string { return t.UTC().Format(`"2006-01-02T15:04:05.000Z"`) }

// floatText is the shortest number that reads back.
func floatText(f float64) string {
	if abs := math.Abs(f); abs != 0 && (abs < 1e-6 || abs >= 1e21) {
		return strconv.FormatFloat(f, 'e', -1, 64)
	}
	return strconv.FormatFloat(f, 'f', -1, 64)
}
