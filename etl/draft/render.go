package draft

import (
	"bytes"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"datalake/pkg/lakefile"
	"datalake/pkg/schema"
)

// render writes the file.
func (d *Draft) render(o Options) []byte {
	var b bytes.Buffer
	r := d.Result
	fmt.Fprintf(&b, "# Drafted by etl init")
	if o.Look != "" {
		fmt.Fprintf(&b, " from %s", comment(o.Look))
	}
	if d.whole() {
		fmt.Fprintf(&b, ".\n# All of it was read: %s. A run with this file as it is gives the\n# same tables as a run without: change what you know better.\n", counted(r.RecordsIn, "record"))
	} else {
		fmt.Fprintf(&b, ".\n# A sample was read: %s from the beginnings of %s. Check what the\n# rest may hold beyond it, above all types and required fields: etl run --dry-run\n", counted(r.RecordsIn, "record"), counted(int64(r.Objects), "object"))
	}
	b.WriteString("version: 1\n")
	if o.Raw != "" {
		fmt.Fprintf(&b, "zones:\n  raw: %s   # the other zones lie in the lake's folder: --lake, ./lake by default\n", word(o.Raw))
	}
	b.WriteString("sources:\n")
	for i := range d.Sources {
		d.Sources[i].render(&b, r.Warnings)
	}
	return b.Bytes()
}

// whole says whether all of every object was read.
func (d *Draft) whole() bool {
	for _, s := range d.Result.Sampled {
		if s.Bytes < s.AllBytes || s.Objects < s.AllObjects {
			return false
		}
	}
	return true
}

func (s *Source) render(b *bytes.Buffer, warnings []string) {
	t := s.table
	fmt.Fprintf(b, "\n  # %s: %s", counted(t.RecordsIn, "record"), counted(t.RecordsOut, "row"))
	if t.Duplicates > 0 {
		fmt.Fprintf(b, ", %s", counted(t.Duplicates, "duplicate"))
	}
	if t.Quarantined > 0 {
		var rules []string
		for _, rule := range slices.Sorted(maps.Keys(t.Rules)) {
			rules = append(rules, fmt.Sprintf("%s %d", rule, t.Rules[rule]))
		}
		fmt.Fprintf(b, ", %d quarantined (%s)", t.Quarantined, strings.Join(rules, ", "))
	}
	b.WriteString("\n")
	for _, w := range warnings {
		if rest, ok := strings.CutPrefix(w, s.Name+": "); ok {
			fmt.Fprintf(b, "  # Note: %s\n", comment(rest))
		}
	}
	for _, path := range slices.Sorted(maps.Keys(t.RescuedBy)) {
		fmt.Fprintf(b, "  # Note: %s at %s fit no column and %s in _rescued\n", counted(t.RescuedBy[path], "value"), comment(path), is(t.RescuedBy[path]))
	}
	if s.Left != "" {
		fmt.Fprintf(b, "  # Note: %s; that is left to the first run\n", comment(s.Left))
	}
	fmt.Fprintf(b, "  %s:\n", word(s.Name))
	envelope, says := lakefile.EnvelopeYes, "records are {record_id, source, ingested_at, data: {…}, metadata: {…}}"
	if s.Schema.Envelope == schema.Bare {
		envelope, says = lakefile.EnvelopeNone, "records are taken as they are"
	}
	if s.declared >= autoEnvelope {
		envelope, says = lakefile.EnvelopeAuto, "told record by record"
	}
	fmt.Fprintf(b, "    envelope: %s   # auto | envelope | none; %s\n", envelope, says)
	if s.records != "" {
		fmt.Fprintf(b, "    # records_at: %s   # each object is one record that holds an array of objects: to make each of these a record\n", word(s.records))
	}
	s.eventTime(b)
	d := s.Schema.Dedupe
	fmt.Fprintf(b, "    dedupe: {key: [%s], scope: %s, keep: %s}   # scope: table | partition | 7d; keep: first | {latest: column}\n", strings.Join(d.Key, ", "), d.Scope, d.Keep)
	fmt.Fprintf(b, "    partition_by: [%s]\n", strings.Join(s.Schema.PartitionBy, ", "))
	fmt.Fprintf(b, "    on_type_conflict: %s   # rescue | quarantine | widen\n", s.Schema.OnTypeConflict)
	fmt.Fprintf(b, "    other_columns: keep   # keep | rescue | drop: fields that are not declared\n")
	s.columns(b)
}

func is(n int64) string {
	if n == 1 {
		return "is"
	}
	return "are"
}

func (s *Source) eventTime(b *bytes.Buffer) {
	e := s.Schema.EventTime
	if e.Path == nil {
		suggest := "{path: data.x, formats: [rfc3339]}"
		for i, c := range s.Schema.Columns {
			if c.Role == schema.Data && c.Type.Kind == schema.Timestamp && s.profile.columns[i].nulls == 0 {
				suggest = fmt.Sprintf("{path: %s}, say, which is always a time", word(c.Path.String()))
				break
			}
		}
		fmt.Fprintf(b, "    event_time: arrival   # the names that are tried are no times in 95 %% of the records; another is yours to name: %s\n", comment(suggest))
		return
	}
	formats := make([]string, len(e.Formats))
	for i, f := range e.Formats {
		formats[i] = word(f)
	}
	fmt.Fprintf(b, "    event_time: {path: %s, formats: [%s], timezone: UTC, missing: arrival, min: 2000-01-01, max_future: 24h}\n", word(e.Path.String()), strings.Join(formats, ", "))
}

func (s *Source) columns(b *bytes.Buffer) {
	var lines, comments []string
	width := 0
	for i, c := range s.Schema.Columns {
		if c.Role != schema.Data {
			continue
		}
		line := fmt.Sprintf("- {path: %s, name: %s, type: %s}", word(c.Path.String()), word(c.Name), c.Type)
		lines, comments = append(lines, line), append(comments, s.profile.says(i))
		width = max(width, min(len([]rune(line)), 80))
	}
	if len(lines) == 0 {
		return
	}
	off := ""
	if s.declared == nothingDeclared {
		off = "# "
	}
	fmt.Fprintf(b, "    %scolumns:\n", off)
	for i, line := range lines {
		pad := strings.Repeat(" ", max(0, width-len([]rune(line))))
		fmt.Fprintf(b, "    %s  %s%s   # %s\n", off, line, pad, comments[i])
	}
}

// says is what there is to say of a column's values.
func (p *profile) says(i int) string {
	c := p.columns[i]
	var parts []string
	switch share := float64(c.nulls) / float64(max(p.rows, 1)); {
	case c.nulls == 0:
		parts = append(parts, "never null")
	case c.nulls == p.rows:
		parts = append(parts, "always null")
	case share < 0.01:
		parts = append(parts, "< 1 % null")
	case share > 0.99:
		parts = append(parts, "> 99 % null")
	default:
		parts = append(parts, fmt.Sprintf("%.0f %% null", 100*share))
	}
	switch {
	case c.texts > 0 && c.arrays == c.texts:
		parts = append(parts, "arrays of objects")
	case c.texts > 0:
		parts = append(parts, "values of several kinds")
	}
	if len(c.examples) > 0 {
		parts = append(parts, strings.Join(c.examples, ", "))
	}
	return comment(strings.Join(parts, "; "))
}

// comment makes a text fit for the rest of a line.
func comment(s string) string {
	return strings.Map(func(r rune) rune {
		if r < 0x20 || r == 0x7f || r == 0x85 || r == 0x2028 || r == 0x2029 || r == 0xfeff {
			return ' '
		}
		return r
	}, s)
}

func counted(n int64, what string) string {
	if n == 1 {
		return "1 " + what
	}
	return fmt.Sprintf("%d %ss", n, what)
}

var plainWord = regexp.MustCompile(`^[A-Za-z_/][A-Za-z0-9_./:-]*[A-Za-z0-9_/]$|^[A-Za-z]$`)

// word is a YAML value of that text, in quotes where it could be read as something else.
func word(s string) string {
	if plainWord.MatchString(s) && !strings.Contains(s, ": ") && !slices.Contains([]string{"true", "false", "null", "yes", "no", "on", "off", "y", "n", "inf", "nan", "."}, strings.ToLower(s)) {
		return s
	}
	return strings.ReplaceAll(quoted(s), "${", "$${")
}
