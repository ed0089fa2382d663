package quarantine

import "datalake/pkg/catalog"

// Columns are the fields of a line, as a catalog names them. The slice is the caller's.
func Columns() []catalog.Column {
	return []catalog.Column{
		{Name: "object", Type: "string", Comment: "key of the raw object"},
		{Name: "etag", Type: "string", Comment: "version of the object, as the store told it"},
		{Name: "offset", Type: "bigint", Comment: "of the record in the object's decompressed content"},
		{Name: "length", Type: "bigint", Comment: "of its text there; null: one record"},
		{Name: "line", Type: "bigint", Comment: "of the record in the object, from 1"},
		{Name: "arrived", Type: "string", Comment: "the object's time, RFC 3339"},
		{Name: "rule", Type: "string"},
		{Name: "reason", Type: "string"},
		{Name: "payload", Type: "string", Comment: "the record's text as it stood"},
		{Name: "payload_base64", Type: "string", Comment: "instead of payload, where that is not UTF-8"},
		{Name: "truncated", Type: "boolean", Comment: "true where only the beginning was kept"},
		{Name: "payload_withheld", Type: "boolean", Comment: "true where there is no payload, for it may hold what is masked"},
		{Name: "payload_masked", Type: "boolean", Comment: "true where values in payload are masked"},
	}
}
