package grammar

const (
	aPath    = "keys joined by dots, such as `data.device_id`; a key that holds dots in quotes"
	aColumn  = "the name of a column"
	aURL     = "a URL such as `file:///data/lake` or `s3://bucket/lake`"
	aName    = "a name of small letters, digits and `_`"
	nameText = `^[a-z_][a-z0-9_]*$`
	anExpr   = "an expression in [CEL](#expressions)"
)

// editors is the key by which some editors find the JSON Schema; it means nothing here.
var editors = Field{
	Name: "$schema", Value: Value{Text: "the URL or path of the JSON Schema"},
	Doc: "Where an editor finds the JSON Schema; `# yaml-language-server: $schema=…` in the first line does as well.", Example: "{$schema: ./lake.schema.json}",
}

// Root is the file itself.
var Root = &Object{
	Name: "lake", Title: "The file", Wrap: "%s",
	Doc: "One file says what a lake is. Everything in it has a default, so an empty file, and none at all, is a lake too.",
	Fields: []Field{
		editors,
		{Name: "version", Value: Value{Low: 1, High: 1}, Default: "1", Doc: "The version of the grammar.", Example: "{version: 1}"},
		{Name: "zones", Value: Value{Object: Zones}, Default: "below `--lake`", Doc: "Where the zones of the lake lie.", Example: "{zones: {root: \"s3://acme-lake\"}}"},
		{
			Name: "include", Value: Value{List: &Value{Text: "a file name, or a pattern with `*`, `?` and `[…]`, below the lake file's folder"}, One: true},
			Doc:     "Files that hold `sources:` and `curated:` of their own. They are read in the order of their names, each once. A source is declared in one place.",
			Example: "{include: [\"sources/*.yaml\"]}",
		},
		{Name: "input", Value: Value{Object: Input}, Doc: "How the text of raw objects is read, for all sources.", Example: "{input: {max_record: 64MiB}}"},
		{
			Name: "sources", Value: Value{Map: &Value{Object: Source}}, Default: "all of the raw zone, with defaults",
			Doc: "The sources by name. One that is not named has all defaults.", Example: "{sources: {iot_sensors: {dedupe: none}}}",
		},
		{
			Name: "curated", Value: Value{Map: &Value{Object: Curated}},
			Doc:     "The data sets that are made of processed tables. They are checked; the engine does not make them yet.",
			Example: "{curated: {device_hourly: {from: iot_sensors, group_by: [device_id, {hour: event_time}], measures: {readings: count()}}}}",
		},
	},
}

// Part is a file that the lake file includes.
var Part = &Object{
	Name: "part", Title: "Included files", Doc: "An included file has sources and curated data sets, and nothing else.", Wrap: "%s",
	Fields: []Field{editors, Root.Field("sources"), Root.Field("curated")},
}

// Zones are the URLs of the zones.
var Zones = &Object{
	Name: "zones", Title: "Zones", Wrap: "zones: %s", Doc: "No zone may lie in another, and none but `raw` at the root of a bucket.",
	Fields: []Field{
		{Name: "root", Value: Value{Text: aURL}, Default: "`--lake`", Doc: "The folder of all zones that are not named one by one. `--lake` goes before it.", Example: "{root: \"file:///data/lake\"}"},
		{Name: "raw", Value: Value{Text: aURL}, Default: "`<root>/raw`", Doc: "What has landed.", Example: "{raw: \"s3://landing/events\"}"},
		{Name: "processed", Value: Value{Text: aURL}, Default: "`<root>/processed`", Doc: "The tables.", Example: "{processed: \"s3://acme-lake/processed\"}"},
		{Name: "curated", Value: Value{Text: aURL}, Default: "`<root>/curated`", Doc: "The curated data sets.", Example: "{curated: \"s3://acme-lake/curated\"}"},
		{Name: "quarantine", Value: Value{Text: aURL}, Default: "`<root>/quarantine`", Doc: "Records that no table can take.", Example: "{quarantine: \"s3://acme-lake/quarantine\"}"},
		{Name: "state", Value: Value{Text: aURL}, Default: "`<root>/state`", Doc: "The commit log and what runs hand over.", Example: "{state: \"s3://acme-state/lake\"}"},
	},
}

// Input is how raw text is read.
var Input = &Object{
	Name: "input", Title: "Input", Wrap: "input: %s", Doc: "It holds for all sources, because a record's source is known only once it is read.",
	Fields: []Field{
		{
			Name: "invalid_utf8", Value: Value{Words: []string{"quarantine", "replace"}}, Default: "`quarantine`",
			Doc: "What becomes of records with invalid UTF-8 or escapes of lone surrogates: `replace` puts U+FFFD in their place.", Example: "{invalid_utf8: replace}",
		},
		{Name: "max_depth", Value: Value{Low: 1, High: 10000}, Default: "512", Doc: "How deep objects and arrays may be nested; deeper records are quarantined.", Example: "{max_depth: 100}"},
		{
			Name: "max_record", Value: Value{Text: "a size from `1KiB` to `256MiB`", Pattern: `^[0-9]+ ?([KM]iB)?$`}, Default: "`64MiB`",
			Doc: "The largest record; larger ones are quarantined, cut.", Example: "{max_record: 8MiB}",
		},
	},
}

// Source is one source.
var Source = &Object{
	Name: "source", Title: "Sources", Wrap: "sources: {iot_sensors: %s}",
	Doc: "A source's name is clean: small letters, digits and `_`.",
	Fields: []Field{
		{
			Name: "envelope", Value: Value{Words: []string{"auto", "envelope", "none"}}, Default: "`auto`",
			Doc: "Whether records come in the lake's envelope (`record_id`, `source`, `ingested_at`, `data`, `metadata`). `auto`: the first run finds out.", Example: "{envelope: none}",
		},
		{Name: "records_at", Value: Value{Text: aPath}, Default: "the values are the records", Doc: "The array that holds an object's records.", Example: "{records_at: features}"},
		{
			Name: "event_time", Value: Value{Words: []string{"arrival"}, Object: EventTime}, Default: "found by the first run",
			Doc: "When the event took place, which decides the partition. `arrival`: it is `ingested_at`, whatever the record holds.", Example: "{event_time: {path: data.timestamp}}",
		},
		{Name: "dedupe", Value: Value{Words: []string{"none"}, Object: Dedupe}, Default: "by `record_id`", Doc: "Which rows are one and the same. `none`: all stay.", Example: "{dedupe: {key: [record_id], scope: table}}"},
		{
			Name: "partition_by", Value: Value{List: &Value{Text: "`source` first, then `year`, `month`, `day`, `hour` in this order, and names of columns"}, One: true}, Default: "`[source, year, month, day]`",
			Doc: "The partition columns in order. A column must be a string, boolean, int, bigint or date.", Example: "{partition_by: [source, year, month, day, hour]}",
		},
		{
			Name: "on_type_conflict", Value: Value{Words: []string{"rescue", "quarantine", "widen"}}, Default: "`rescue`",
			Doc: "What becomes of a value that does not fit its column: it goes to `_rescued`, or its record to quarantine, or the column from int to bigint.", Example: "{on_type_conflict: widen}",
		},
		{
			Name: "other_columns", Value: Value{Words: []string{"keep", "rescue", "drop"}}, Default: "`keep`",
			Doc: "What becomes of fields that no column names: a new column, `_rescued`, or nothing.", Example: "{columns: [{path: data.x, type: int}], other_columns: drop}",
		},
		{Name: "max_columns", Value: Value{Low: 1, High: 10000}, Default: "300", Doc: "How many columns the table may get; what is more goes to `_rescued`. Declared ones are never left out.", Example: "{max_columns: 50}"},
		{Name: "columns", Value: Value{List: &Value{Object: Column}}, Default: "found by the first run", Doc: "The declared columns in the order of the table.", Example: "{columns: [{path: data.temperature, type: double}]}"},
		{
			Name: "derived", Value: Value{List: &Value{Object: Derived}},
			Doc:     "Columns that are computed from the row's other columns, in this order, after cleaning and before rules and masks.",
			Example: "{columns: [{path: data.t, name: temperature, type: double}, {path: data.h, name: humidity, type: int}], derived: [{name: feels_like, type: double, expr: \"temperature + 0.1 * humidity\"}]}",
		},
		{Name: "rules", Value: Value{List: &Value{Object: Rule}}, Doc: "Conditions on whole rows, in this order.", Example: "{rules: [{name: dew_point, expr: \"humidity <= 100\", on_fail: reject}]}"},
		{
			Name: "encoding", Value: Value{Words: []string{"compact", "plain"}}, Default: "`compact`",
			Doc: "How Parquet pages are encoded: `compact` uses dictionaries and deltas, `plain` dictionaries alone, for readers that know nothing newer.", Example: "{encoding: plain}",
		},
		{Name: "compression", Value: Value{Words: []string{"zstd", "snappy"}}, Default: "`zstd`", Doc: "How Parquet pages are compressed.", Example: "{compression: snappy}"},
	},
}

// EventTime is where the event time comes from.
var EventTime = &Object{
	Name: "event_time", Title: "Event time", Wrap: "sources: {iot_sensors: {event_time: %s}}",
	Doc: "Without a path the first run looks for it: the first of `event_time`, `timestamp`, `time`, `ts`, `created_at`, `occurred_at` that parses in 95 % of the records.",
	Fields: []Field{
		{Name: "path", Value: Value{Text: aPath}, Default: "found by the first run", Doc: "Where it stands in a record.", Example: "{path: data.timestamp}"},
		{
			Name: "formats", Value: Value{List: &Value{Text: "`rfc3339`, `epoch`, `epoch_s`, `epoch_ms`, `epoch_us`, `epoch_ns`, or a layout such as `\"%Y-%m-%d\"`"}, One: true}, Default: "`[rfc3339, epoch, \"%Y-%m-%d\"]`",
			Doc: "How it may be written; the first that fits counts. It needs `path`.", Example: "{path: data.t, formats: [epoch_ms, \"%d/%b/%Y %H:%M:%S\"]}",
		},
		{Name: "timezone", Value: Value{Text: "an IANA name such as `Europe/Berlin`"}, Default: "`UTC`", Doc: "The zone of times written without an offset, and of the partitions.", Example: "{path: data.t, timezone: Europe/Berlin}"},
		{Name: "missing", Value: Value{Words: []string{"arrival", "quarantine"}}, Default: "`arrival`", Doc: "What a record without a usable event time gets: its `ingested_at`, or quarantine.", Example: "{missing: quarantine}"},
		{Name: "min", Value: Value{Text: "a date or an RFC 3339 time"}, Default: "2000-01-01", Doc: "The earliest event time that is believed.", Example: "{min: 2015-01-01}"},
		{Name: "max_future", Value: Value{Text: "a duration such as `24h`, `7d`, `90m` or `1d12h`", Pattern: `^([0-9]+d)?([0-9]+h)?([0-9]+m)?([0-9]+s)?$`}, Default: "`24h`", Doc: "How far after `ingested_at` it may lie.", Example: "{max_future: 1d12h}"},
	},
}

// Dedupe says which rows are one.
var Dedupe = &Object{
	Name: "dedupe", Title: "Dedupe", Wrap: "sources: {iot_sensors: {dedupe: %s}}",
	Doc: "Keys are compared as they are stored: cleaned, and masked.",
	Fields: []Field{
		{Name: "key", Value: Value{List: &Value{Text: aColumn}, One: true}, Default: "`[record_id]`", Doc: "The columns that are the key. A row with a null in it is known by its `record_id`.", Example: "{key: [device_id, seq]}"},
		{
			Name: "scope", Value: Value{Words: []string{"table", "partition"}, Text: "a number of days such as `7d`", Pattern: `^[1-9][0-9]*d$`}, Default: "`table`",
			Doc: "Where equal keys count: in the table, in a partition, or within days of event time.", Example: "{scope: 7d}",
		},
		{Name: "keep", Value: Value{Words: []string{"first"}, Object: Keep}, Default: "`first`", Doc: "Which of equal rows stays: the first that came, or the latest by a column.", Example: "{keep: {latest: ingested_at}}"},
	},
}

// Keep is the other way of keeping rows.
var Keep = &Object{
	Name: "keep", Title: "Keep", Wrap: "sources: {iot_sensors: {dedupe: {keep: %s}}}", Doc: "The row that stays, where it is not the first.",
	Fields: []Field{
		{Name: "latest", Required: true, Value: Value{Text: aColumn}, Doc: "A timestamp, date or number that comes with the records; of equal values the first row stays.", Example: "{latest: ingested_at}"},
	},
}
