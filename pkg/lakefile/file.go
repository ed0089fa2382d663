package lakefile

import (
	"slices"
	"strings"

	"datalake/pkg/parquetfile"
	"datalake/pkg/schema"
)

// The values of Source.Envelope.
const (
	EnvelopeAuto = "auto"
	EnvelopeYes  = "envelope"
	EnvelopeNone = "none"
)

// DefaultMaxColumns is how many columns a table has at most, where nothing else is said.
const DefaultMaxColumns = 300

// File is a lake file that has been read and checked. Nothing in it changes, so goroutines may share it. The nil File is that
// of a lake without a file: all defaults.
type File struct {
	// Name is what Parse was told, for messages.
	Name    string
	Version int
	Zones   Zones
	Input   Input
	// Sources are the declared ones, by clean name, all with their defaults filled.
	Sources map[string]Source
	// Curated are the curated data sets by name. They are checked and otherwise without effect.
	Curated map[string]Curated
	// Secrets are the values of the environment that a run needs and the file does not hold.
	Secrets []Secret
	// Warnings are what is allowed and yet worth a word, each beginning with file:line:column.
	Warnings []string
}

// Zones are the URLs of a lake's zones, without a slash at the end; empty where the file says nothing.
type Zones struct {
	Root, Raw, Processed, Curated, Quarantine, State string
}

// Under fills each zone that is empty: from Root, and where that is empty too, from root, which is a URL.
func (z Zones) Under(root string) Zones {
	if z.Root == "" {
		z.Root = trimURL(root)
	}
	for name, u := range z.all() {
		if *u == "" && name != "root" {
			*u = strings.TrimSuffix(z.Root, "/") + "/" + name
		}
	}
	return z
}

func (z *Zones) all() map[string]*string {
	return map[string]*string{"root": &z.Root, "raw": &z.Raw, "processed": &z.Processed, "curated": &z.Curated, "quarantine": &z.Quarantine, "state": &z.State}
}

// Source is what the file says of one source, with the defaults filled.
type Source struct {
	// Envelope is auto, envelope or none; auto is for the first run to settle.
	Envelope string
	// RecordsAt is the path (schema.Path as text) of the array that holds the records; empty: the values are the records.
	RecordsAt string
	// EventTime.Path nil and Arrival false: the first run looks for the event time.
	EventTime schema.Times
	// Arrival: the event time is the arrival, whatever the records hold.
	Arrival bool
	// Dedupe and PartitionBy name columns that are there, or that inference may find.
	Dedupe      schema.Dedupe
	PartitionBy []string
	// OnTypeConflict is rescue, quarantine or widen; OtherColumns keep, rescue or drop.
	OnTypeConflict, OtherColumns string
	// MaxColumns bounds the columns of the table; declared ones are never left out for it.
	MaxColumns int
	// Columns are the declared ones in the order of the file, all with a name; an NS column follows its timestamp. The derived ones
	// come last.
	Columns []schema.Column
	// Rules are conditions on rows, in the order in which they are tried.
	Rules []schema.Rule
	// Encoding is compact or plain, Compression zstd or snappy: how the table's files are written.
	Encoding, Compression string
}

func defaultSource() Source {
	c := schema.Common("", schema.Enveloped)
	return Source{
		Envelope: EnvelopeAuto, EventTime: c.EventTime, Dedupe: c.Dedupe, PartitionBy: c.PartitionBy,
		OnTypeConflict: c.OnTypeConflict, OtherColumns: c.OtherColumns, MaxColumns: DefaultMaxColumns,
		Encoding: parquetfile.Compact, Compression: parquetfile.Zstd,
	}
}

// Source gives the settings of a source by its clean name (schema.CleanSource), those of a source that nothing is said
// about if the file does not have it. The slices in it are shared: do not change them.
func (f *File) Source(name string) Source {
	if f != nil {
		if s, ok := f.Sources[name]; ok {
			return s
		}
	}
	return defaultSource()
}

// Schema gives the schema that the source's first run starts from: the common columns, the declared ones between them, and
// _key at the end if the dedupe key has several columns. It is not fixed. With Envelope auto it is an enveloped one; a run
// that finds bare records sets Envelope to none first. The names of declared columns do not depend on that.
func (s Source) Schema(name string) *schema.Schema {
	e := schema.Enveloped
	if s.Envelope == EnvelopeNone {
		e = schema.Bare
	}
	c := schema.Common(name, e)
	c.EventTime = s.EventTime
	c.OnTypeConflict, c.OtherColumns = s.OnTypeConflict, s.OtherColumns
	c.Dedupe = s.Dedupe
	c.PartitionBy = s.PartitionBy
	c.Rules = s.Rules
	c = c.Clone()
	q := c.ByRole(schema.Quality)
	c.Columns = slices.Insert(c.Columns, q, s.Columns...)
	return withKey(c)
}

// withKey appends the column of a key of several columns, if there is such a key and no such column yet. It changes c.
func withKey(c *schema.Schema) *schema.Schema {
	if len(c.Dedupe.Key) > 1 && c.ByRole(schema.Key) < 0 {
		c.Columns = append(c.Columns, schema.Column{Name: string(schema.Key), Type: schema.Type{Kind: schema.String}, Role: schema.Key})
	}
	return c
}

// Apply gives the schema of a later run: stored, which the commit log has, with what the file says now. What the file leaves
// to the first run (envelope auto, no event_time) stays as stored; a declared column that is stored under its name takes the
// place of that, and new ones stand at the end. changes says in words what of that gives stored rows another meaning: where
// it is not empty, the table must be made anew before the result may be used.
func (s Source) Apply(stored *schema.Schema) (next *schema.Schema, changes []string) {
	next = stored.Clone()
	switch s.Envelope {
	case EnvelopeNone:
		next.Envelope = schema.Bare
	case EnvelopeYes:
		next.Envelope = schema.Enveloped
	}
	switch {
	case s.EventTime.Path != nil, s.Arrival:
		next.EventTime = s.EventTime
	default:
		next.EventTime.Missing, next.EventTime.Min, next.EventTime.MaxFuture = s.EventTime.Missing, s.EventTime.Min, s.EventTime.MaxFuture
		if s.EventTime.Timezone != "" {
			next.EventTime.Timezone = s.EventTime.Timezone
		}
	}
	next.OnTypeConflict, next.OtherColumns = s.OnTypeConflict, s.OtherColumns
	next.Dedupe = s.Dedupe
	next.PartitionBy = s.PartitionBy
	next.Rules = s.Rules
	for i := range next.Columns {
		if c := &next.Columns[i]; c.Declared {
			c.Declared, c.Required, c.Clean, c.Check, c.Expr = false, false, nil, nil, ""
		}
	}
	for _, d := range s.Columns {
		if i := next.Index(d.Name); i >= 0 {
			if is := next.Columns[i].Type; s.OnTypeConflict == schema.Widen && d.Type.Widens(is) {
				d.Type = is // an earlier run has widened it
			}
			next.Columns[i] = d
			continue
		}
		for _, c := range stored.Columns {
			if d.Path != nil && c.Role == d.Role && c.Path.String() == d.Path.String() {
				changes = append(changes, "column "+c.Name+": now named "+d.Name)
			}
		}
		next.Columns = append(next.Columns, d)
	}
	next = withKey(next.Clone())
	return next, append(stored.Differences(next), changes...)
}
