// Package lakefile reads lake.yaml, the one file in which people say what their lake is. Everything in it has a default, so
// an empty file, and none at all, is a lake too.
//
// # Grammar
//
//	version: 1
//	zones:
//	  root: file:///data/lake              # or raw, processed, curated, quarantine, state one by one
//	input:                                 # how raw text is read, for all sources
//	  invalid_utf8: quarantine             # quarantine | replace: U+FFFD in its place
//	  max_depth: 512                       # objects and arrays, one in the other
//	  max_record: 64MiB                    # larger ones are quarantined, cut
//	sources:
//	  iot_sensors:                         # the clean name: small letters, digits, _
//	    envelope: auto                     # auto | envelope | none
//	    records_at: features               # path of the array that holds an object's records
//	    event_time:                        # or arrival: every record's event time is its arrival
//	      path: data.timestamp             # default: found by the first run
//	      formats: [rfc3339, epoch, "%Y-%m-%d"]  # see package timeparse; needs path
//	      timezone: UTC                    # IANA name, for times written without an offset
//	      missing: arrival                 # arrival | quarantine
//	      min: 2000-01-01                  # a date or an RFC 3339 time
//	      max_future: 24h                  # d, h, m, s
//	    dedupe:                            # or none: all rows stay
//	      key: [record_id]                 # columns
//	      scope: table                     # table | partition | a number of days: 7d
//	      keep: first                      # first | {latest: column}
//	    partition_by: [source, year, month, day]
//	    on_type_conflict: rescue           # rescue | quarantine | widen
//	    other_columns: keep                # keep | rescue | drop
//	    max_columns: 300                   # fields beyond it go to _rescued
//	    columns:
//	      - path: data.temperature         # from the record's root; keys that hold dots in quotes
//	        name: temperature              # default: from the path, see schema.Names
//	        type: double                   # see schema.ParseType
//	        required: true                 # default false
//	      - path: data.seen
//	        type: timestamp
//	        formats: [rfc3339]
//	        timezone: Europe/Berlin
//	        keep: ns                       # a bigint column seen_ns holds the nanoseconds
//
// The other keys of the full grammar (include, curated, derived, rules, a column's pattern, mask and so on) are refused by
// name, for nothing written in the file may be passed over in silence.
//
// A value may hold ${NAME}; it is replaced before the value is read, and $${ stands for ${ itself. Where the values come from
// is the caller's to say: the package reads no environment. Anchors and aliases work; merge keys and tags are refused.
//
// # Errors
//
// Parse lists all that is wrong at once, as Errors, in the order of the file. Each names file, line, column and key, and says
// what is allowed there. Only a fault of the YAML itself stops at the first.
package lakefile
