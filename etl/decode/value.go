package decode

import (
	"bytes"
	"encoding/base64"
	"math"

	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// put appends x to a vector. fits tells whether it did; if not, the vector is as it was. exact tells whether all of the
// value is in the column: a double may be the nearest one only, a list may have structs with members that have no field.
func (d *Decoder) put(t *typ, v *vector, x value) (fits, exact bool) {
	switch t.Kind {
	case schema.String:
		if x.kind == '"' || t.scalars && x.kind != '{' && x.kind != '[' {
			d.addText(v, d.content(x))
			return true, true
		}
	case schema.JSON:
		r := &d.record
		r.text = jsontext.AppendCompact(r.text[:0], r.b[x.start:x.end])
		d.addText(v, r.text)
		return true, true
	case schema.Boolean:
		if x.kind == 't' || x.kind == 'f' || x.kind == '"' {
			text := d.content(x)
			if yes := string(text) == "true"; yes || string(text) == "false" {
				v.addBool(yes)
				return true, true
			}
		}
	case schema.Binary:
		return d.binary(v, x), true
	case schema.Date:
		return d.date(t, v, x), true
	case schema.Timestamp:
		return d.timestamp(t, v, x), true
	case schema.Bigint:
		if t.ns {
			return d.timestamp(t, v, x), true
		}
		return d.number(t, v, x)
	case schema.Int, schema.Double, schema.Float, schema.Decimal:
		return d.number(t, v, x)
	case schema.List:
		if x.kind == '[' {
			return d.list(t, v, x)
		}
	case schema.Map:
		if x.kind == '{' {
			return d.mapping(t, v, x)
		}
	case schema.Struct:
		if x.kind == '{' {
			d.structure(t, v, x)
			return true, true // members without a field are rescued one by one
		}
	}
	return false, true
}

func (d *Decoder) addText(v *vector, s []byte) {
	if v.addText(s) {
		d.record.checks = append(d.record.checks, v)
	}
}

func (d *Decoder) number(t *typ, v *vector, x value) (fits, exact bool) {
	text, ok := d.digits(x)
	if !ok {
		return false, true
	}
	switch t.Kind {
	case schema.Bigint:
		i, ok := jsontext.Int64(text)
		if ok {
			v.addInt64(i)
		}
		return ok, true
	case schema.Int:
		i, ok := jsontext.Int64(text)
		if ok = ok && i >= math.MinInt32 && i <= math.MaxInt32; ok {
			v.addInt32(int32(i))
		}
		return ok, true
	case schema.Double:
		f, exact, ok := jsontext.Float64(text)
		if ok {
			v.addFloat64(f)
		}
		return ok, exact
	case schema.Float:
		f, exact, ok := jsontext.Float32(text)
		if ok {
			v.addInt32(int32(math.Float32bits(f)))
		}
		return ok, exact
	}
	n, ok := jsontext.Decimal128(text, t.Precision, t.Scale)
	if ok {
		v.dec = append(v.dec, n)
		v.n++
	}
	return ok, true
}

// digits is the text of a number, or the content of a string; whether that is spelled as JSON spells numbers, the
// conversions see. Valid until content is called.
func (d *Decoder) digits(x value) (text []byte, ok bool) {
	if x.kind == '-' || x.kind >= '0' && x.kind <= '9' || x.kind == '"' {
		return d.content(x), true
	}
	return nil, false
}

func (d *Decoder) date(t *typ, v *vector, x value) bool {
	if x.kind != '"' {
		return false
	}
	text := d.content(x)
	for _, l := range t.layouts {
		if days, ok := l.Date(text); ok {
			v.addInt32(days)
			return true
		}
	}
	return false
}

// timestamp appends the time in milliseconds, or in nanoseconds where the column is one of those.
func (d *Decoder) timestamp(t *typ, v *vector, x value) bool {
	text, ok := d.digits(x)
	if !ok {
		return false
	}
	for _, l := range t.layouts {
		ms, sub, ok := l.Parse(text)
		if !ok || x.kind != '"' && l.String() == timeparse.RFC3339 {
			continue
		}
		if t.ns {
			const most = math.MaxInt64/1_000_000 - 1
			if ms > most || ms < -most {
				return false
			}
			v.addInt64(ms*1_000_000 + int64(sub))
			return true
		}
		if sub > 0 {
			d.record.floored++
		}
		v.addInt64(ms)
		return true
	}
	return false
}

var (
	padded   = []*base64.Encoding{base64.StdEncoding.Strict(), base64.URLEncoding.Strict()}
	unpadded = []*base64.Encoding{base64.RawStdEncoding.Strict(), base64.RawURLEncoding.Strict()}
)

// binary appends what a string holds in base64, with either alphabet, padded or not.
func (d *Decoder) binary(v *vector, x value) bool {
	if x.kind != '"' {
		return false
	}
	text := d.content(x)
	if bytes.ContainsAny(text, "\r\n") { // the decoder would pass over them
		return false
	}
	encodings := unpadded
	if len(text)%4 == 0 {
		encodings = padded
	}
	for _, e := range encodings {
		raw, err := e.AppendDecode(d.bytes[:0], text)
		d.bytes = raw[:0]
		if err == nil {
			v.addText(raw)
			return true
		}
	}
	return false
}
