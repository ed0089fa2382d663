package grammar

const inColumn = "sources: {iot_sensors: {columns: [%s]}}"

// The kinds of types that keys are for.
var (
	aText    = []string{"string"}
	written  = []string{"string", "boolean", "int", "bigint", "float", "double", "decimal", "date", "timestamp"}
	ordered  = []string{"int", "bigint", "float", "double", "decimal", "date", "timestamp"}
	measured = []string{"string", "binary", "list", "map"}
	holding  = []string{"list", "map"}
)

// Column is a declared column.
var Column = &Object{
	Name: "column", Title: "Columns", Wrap: inColumn,
	Doc: "A value goes through these steps, whatever the order of the keys: `trim`, `collapse`, `case`, `nulls`, the parsing by `type`, `clamp`, `default`, `required`, the checks, then derived columns and rules, and `mask` last of all.",
	Fields: []Field{
		{Name: "path", Required: true, Value: Value{Text: aPath}, Doc: "Where the value stands in a record, from its root.", Example: "{path: data.device_id, type: string}"},
		{Name: "name", Value: Value{Text: aName, Pattern: nameText}, Default: "from the path, without `data.`", Doc: "The column's name.", Example: "{path: data.temp, name: temperature, type: double}"},
		{
			Name: "type", Required: true, Value: Value{Text: "`string`, `boolean`, `int`, `bigint`, `float`, `double`, `decimal(p,s)`, `date`, `timestamp`, `binary`, `json`, `list<…>`, `map<string,…>`, `struct<name:type,…>`"},
			Doc: "The column's type.", Example: "{path: data.price, type: \"decimal(10,2)\"}",
		},
		{Name: "formats", Value: EventTime.Field("formats").Value, Default: "`rfc3339`, of dates `%Y-%m-%d`", Doc: "How a timestamp or date may be written.", Example: "{path: data.seen, type: timestamp, formats: [epoch_ms, rfc3339]}"},
		{Name: "timezone", Value: EventTime.Field("timezone").Value, Default: "`UTC`", Doc: "The zone of times written without an offset.", Example: "{path: data.seen, type: timestamp, timezone: Asia/Tokyo}"},
		{Name: "keep", Value: Value{Words: []string{"ns"}}, Doc: "A bigint column with `_ns` behind the name holds a timestamp's nanoseconds.", Example: "{path: data.seen, type: timestamp, keep: ns}"},
		{Name: "trim", For: written, Value: Value{Bool: true}, Default: "`false`", Doc: "Takes white space from both ends of text. In a column that is not text it does so before the text is parsed: `\" 5\"` is 5.", Example: "{path: data.device_id, type: string, trim: true}"},
		{Name: "collapse", For: aText, Value: Value{Bool: true}, Default: "`false`", Doc: "Makes one space of each run of white space in text.", Example: "{path: data.title, type: string, trim: true, collapse: true}"},
		{Name: "case", For: aText, Value: Value{Words: []string{"lower", "upper"}}, Default: "as it is", Doc: "The case of text.", Example: "{path: data.country, type: string, case: upper}"},
		{
			Name: "nulls", For: written, Value: Value{List: &Value{Text: "a text", Empty: true}, One: true},
			Doc:     "Texts that mean null, compared with what `trim`, `collapse` and `case` have left. In a column that is not text such a text is null rather than a value that does not fit.",
			Example: "{path: data.temperature, type: double, nulls: [\"\", N/A, \"-\"]}",
		},
		{Name: "clamp", For: ordered, Value: Value{Object: Clamp}, Doc: "Moves a value that lies outside of the bounds to the bound.", Example: "{path: data.battery, type: double, clamp: {min: 0, max: 100}}"},
		{Name: "default", For: written, Value: Value{Scalar: true}, Default: "null stays null", Doc: "Stands for null and for an absent value. It must pass the column's checks.", Example: "{path: data.country, type: string, default: unknown}"},
		{Name: "required", Value: Value{Bool: true}, Default: "`false`", Doc: "A record that has no value here, after all of the above, is quarantined.", Example: "{path: data.device_id, type: string, required: true}"},
		{Name: "min", For: ordered, Value: Value{Scalar: true}, Doc: "The least value, included: of numbers, dates and timestamps.", Example: "{path: data.temperature, type: double, min: -60}"},
		{Name: "max", For: ordered, Value: Value{Scalar: true}, Doc: "The greatest value, included.", Example: "{path: data.seen_on, type: date, max: 2099-12-31}"},
		{Name: "length", For: measured, Value: Value{Object: Length}, Doc: "Bounds for the characters of text, the bytes of binary, the elements of lists and maps.", Example: "{path: data.code, type: string, length: {min: 2, max: 8}}"},
		{
			Name: "pattern", For: aText, Value: Value{Text: "a regular expression ([RE2](https://github.com/google/re2/wiki/Syntax))"},
			Doc: "Must match somewhere in the text; `^` and `$` bind it to the ends.", Example: "{path: data.device_id, type: string, pattern: \"^sensor_[0-9]+$\"}",
		},
		{Name: "enum", For: written, Value: Value{List: &Value{Scalar: true}, One: true}, Doc: "The values that are allowed.", Example: "{path: data.state, type: string, enum: [\"on\", \"off\"]}"},
		{Name: "elements", For: holding, Value: Value{Object: Elements}, Doc: "What each element of a list, or each value of a map, must be.", Example: "{path: data.tags, type: list<string>, elements: {length: {max: 20}}}"},
		{Name: "keys", For: []string{"map"}, Value: Value{Object: Elements}, Doc: "What each key of a map must be.", Example: "{path: data.attributes, type: \"map<string,string>\", keys: {pattern: \"^[a-z]+$\"}}"},
		{
			Name: "on_fail", Value: Value{Words: []string{"reject", "null", "score"}}, Default: "`score`",
			Doc:     "What a failed check does: `reject` puts the record into quarantine, `\"null\"` (in quotes) makes the value null, `score` lowers `quality_score`. Null passes any check without counting.",
			Example: "{path: data.temperature, type: double, min: -60, max: 80, on_fail: \"null\"}",
		},
		{Name: "mask", For: aText, Value: Value{Words: []string{"drop"}, Object: Mask}, Doc: "Hides the values of a string column, in the table, in `_rescued` and in quarantine. `drop` makes them null.", Example: "{path: data.email, type: string, mask: drop}"},
	},
}

// Clamp is a pair of bounds to move values to.
var Clamp = &Object{
	Name: "clamp", Title: "Clamp", Wrap: "sources: {iot_sensors: {columns: [{path: data.battery, type: double, clamp: %s}]}}", Doc: "One bound at least is needed.",
	Fields: []Field{
		{Name: "min", Value: Value{Scalar: true}, Doc: "A lesser value becomes this one.", Example: "{min: 0}"},
		{Name: "max", Value: Value{Scalar: true}, Doc: "A greater value becomes this one.", Example: "{min: 0, max: 100}"},
	},
}

// Length is a pair of bounds for a length.
var Length = &Object{
	Name: "length", Title: "Length", Wrap: "sources: {iot_sensors: {columns: [{path: data.code, type: string, length: %s}]}}", Doc: "One bound at least is needed.",
	Fields: []Field{
		{Name: "min", Value: Value{Low: 0, High: maxLength}, Doc: "The least length, included.", Example: "{min: 1}"},
		{Name: "max", Value: Value{Low: 0, High: maxLength}, Doc: "The greatest length, included.", Example: "{min: 1, max: 64}"},
	},
}

// maxLength is the longest text that a record can hold.
const maxLength = 256 << 20

// Elements are the checks of what a list or map holds.
var Elements = &Object{
	Name: "elements", Title: "Elements and keys", Wrap: "sources: {iot_sensors: {columns: [{path: data.readings, type: list<double>, elements: %s}]}}",
	Doc: "The checks of a column, for each element; the column's `on_fail` says what a failure does to the whole value. Keys are text, so `keys` has no `min`, `max`, `elements` and `keys`.",
	Fields: []Field{
		{Name: "min", For: ordered, Value: Value{Scalar: true}, Doc: "The least value.", Example: "{min: 0}"},
		{Name: "max", For: ordered, Value: Value{Scalar: true}, Doc: "The greatest value.", Example: "{max: 100}"},
		{Name: "length", For: measured, Value: Value{Object: Length}, Doc: "Bounds for the length."},
		{Name: "pattern", For: aText, Value: Value{Text: "a regular expression"}, Doc: "Must match somewhere in the text."},
		{Name: "enum", For: written, Value: Value{List: &Value{Scalar: true}, One: true}, Doc: "The values that are allowed.", Example: "{enum: [0, 0.5, 1]}"},
	},
}

func init() { // lists of lists
	Elements.Fields = append(
		Elements.Fields,
		Field{Name: "elements", For: holding, Value: Value{Object: Elements}, Doc: "What each element of an element must be."},
		Field{Name: "keys", For: []string{"map"}, Value: Value{Object: Elements}, Doc: "What each key of an element must be."},
	)
}

// Mask hides values.
var Mask = &Object{
	Name: "mask", Title: "Mask", Wrap: "sources: {iot_sensors: {columns: [{path: data.email, type: string, mask: %s}]}}", Doc: "One of the two. A column that the table is partitioned by, or that is the event time, cannot be masked; a dedupe key only by `sha256`.",
	Fields: []Field{
		{
			Name: "sha256", Value: Value{Text: "`env:NAME`", Pattern: `^env:[A-Za-z_][A-Za-z0-9_]*$`},
			Doc: "Each value becomes the SHA-256, in hex, of a salt and the value. The salt is in the variable NAME of the environment of each run; it is stored nowhere.", Example: "{sha256: \"env:SALT\"}",
		},
		{Name: "keep_last", Value: Value{Low: 1, High: 100}, Doc: "All characters but the last few become `*`.", Example: "{keep_last: 4}"},
	},
}

// Derived is a computed column.
var Derived = &Object{
	Name: "derived", Title: "Derived columns", Wrap: "sources: {iot_sensors: {columns: [{path: data.t, name: temperature, type: double}], derived: [%s]}}",
	Doc: "A value that does not fit its column, and an expression with an error, is null and lowers `quality_score`.",
	Fields: []Field{
		{Name: "name", Required: true, Value: Value{Text: aName, Pattern: nameText}, Doc: "The column's name.", Example: "{name: fahrenheit, type: double, expr: temperature * 1.8 + 32}"},
		{Name: "type", Required: true, Value: Value{Text: "the type of a single value, or a list of such"}, Doc: "The column's type, which the expression's must fit.", Example: "{name: hot, type: boolean, expr: temperature > 30}"},
		{Name: "expr", Required: true, Value: Value{Text: anExpr}, Doc: "Its value, over the columns by name and the derived ones before it.", Example: "{name: band, type: string, expr: \"temperature < 0 ? 'frost' : 'none'\"}"},
	},
}

// Rule is a condition on a row.
var Rule = &Object{
	Name: "rule", Title: "Rules", Wrap: "sources: {iot_sensors: {columns: [{path: data.h, name: humidity, type: int}], rules: [%s]}}",
	Doc: "A rule passes where its expression is true. Null is not applicable and does not count; an error fails.",
	Fields: []Field{
		{Name: "name", Required: true, Value: Value{Text: aName, Pattern: nameText}, Doc: "The rule's name in counts and in quarantine.", Example: "{name: humid, expr: humidity <= 100}"},
		{Name: "expr", Required: true, Value: Value{Text: anExpr}, Doc: "The condition, over the cleaned and derived columns by name.", Example: "{name: present, expr: humidity != null}"},
		{Name: "on_fail", Value: Value{Words: []string{"reject", "score"}}, Default: "`score`", Doc: "What a failure does: quarantine for the record, or a lower `quality_score`.", Example: "{name: humid, expr: humidity <= 100, on_fail: reject}"},
	},
}

// Curated is a data set made of a processed table.
var Curated = &Object{
	Name: "curated", Title: "Curated data sets", Wrap: "curated: {device_hourly: %s}",
	Doc: "A data set of rows of one source, filtered, joined with dimensions, grouped and measured. It is checked; the engine does not make it yet.",
	Fields: []Field{
		{Name: "from", Required: true, Value: Value{Text: "the name of a source", Pattern: nameText}, Doc: "The source whose rows it takes.", Example: "{from: iot_sensors}"},
		{Name: "where", Value: Value{Text: anExpr}, Default: "all rows", Doc: "The rows for which it is true.", Example: "{from: iot_sensors, where: quality_score > 0.5}"},
		{Name: "join", Value: Value{List: &Value{Object: Join}}, Doc: "Files whose columns are put beside, in this order.", Example: "{from: iot_sensors, join: [{dim: dims/devices.csv, on: device_id}]}"},
		{
			Name: "group_by", Value: Value{List: &Value{Text: aColumn, Object: Group}, One: true}, Default: "one row for each row",
			Doc: "The columns that rows are grouped by; with `measures`.", Example: "{from: iot_sensors, group_by: [device_id, {hour: event_time}], measures: {readings: count()}}",
		},
		{
			Name: "measures", Value: Value{Map: &Value{Text: "`count()`, `count(x)`, `count_distinct(x)`, `sum(x)`, `avg(x)`, `min(x)`, `max(x)` or `quantile(x, q)` of a column x, q from 0 to 1"}},
			Doc: "The columns that are computed of each group, by name.", Example: "{from: iot_sensors, group_by: device_id, measures: {readings: count(), p95: \"quantile(temperature, 0.95)\"}}",
		},
		{
			Name: "partition_by", Value: Value{List: &Value{Text: "`source` first, then `year`, `month`, `day`, `hour` in this order, and names of columns"}, One: true}, Default: "`[source, year, month]`",
			Doc: "The partition columns in order.", Example: "{from: iot_sensors, partition_by: [source, year]}",
		},
	},
}

// Join is a dimension of a curated data set.
var Join = &Object{
	Name: "join", Title: "Join", Wrap: "curated: {device_hourly: {from: iot_sensors, join: [%s]}}", Doc: "A file with one row for each value of its key.",
	Fields: []Field{
		{Name: "dim", Required: true, Value: Value{Text: "a CSV or Parquet file below the lake's root", Pattern: `\.(csv|parquet)$`}, Doc: "The file.", Example: "{dim: dims/devices.csv, on: device_id}"},
		{Name: "on", Required: true, Value: Value{List: &Value{Text: aColumn}, One: true}, Doc: "The columns that both have.", Example: "{dim: dims/sites.csv, on: [country, site]}"},
		{Name: "type", Value: Value{Words: []string{"left", "inner"}}, Default: "`left`", Doc: "Whether rows without a partner stay, with nulls, or go.", Example: "{dim: dims/devices.csv, on: device_id, type: inner}"},
	},
}

// Group is a unit of time to group by.
var Group = &Object{
	Name: "group", Title: "Group by time", Wrap: "curated: {device_hourly: {from: iot_sensors, measures: {n: count()}, group_by: [%s]}}", Doc: "One of them: the time is cut to the unit.",
	Fields: []Field{
		{Name: "hour", Value: Value{Text: aColumn}, Doc: "By hours of a timestamp.", Example: "{hour: event_time}"},
		{Name: "day", Value: Value{Text: aColumn}, Doc: "By days.", Example: "{day: event_time}"},
		{Name: "month", Value: Value{Text: aColumn}, Doc: "By months.", Example: "{month: event_time}"},
		{Name: "year", Value: Value{Text: aColumn}, Doc: "By years.", Example: "{year: event_time}"},
	},
}
