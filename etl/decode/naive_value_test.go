package decode

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/schema"
	"datalake/pkg/timeparse"
)

// value gives the text of a value in a column's type, as show does.
func (r *naiveRecord) value(c schema.Column, ty schema.Type, path schema.Path, t *tree, inner *[]item) (v string, fits, exact bool) {
	number := t.text
	isNumber := t.kind == 0 || t.kind == '"' && jsonNumber.MatchString(t.text)
	var rat *big.Rat
	if isNumber {
		rat, _ = new(big.Rat).SetString(number)
	}
	scalar := t.kind != '{' && t.kind != '['
	if c.Role == schema.NS {
		for _, f := range c.Formats {
			l, _ := timeparse.Compile(f, nil)
			if ms, sub, ok := l.Parse([]byte(t.text)); ok && (t.kind == 0 || t.kind == '"') && ms > -9e12 && ms < 9e12 {
				return strconv.FormatInt(ms*1e6+int64(sub), 10), true, true
			}
		}
		return "", false, true
	}
	switch ty.Kind {
	case schema.String:
		if t.kind == '"' || c.Declared && scalar {
			return strconv.Quote(t.text), true, true
		}
	case schema.JSON:
		return strconv.Quote(t.compact()), true, true
	case schema.Boolean:
		if s := t.text; scalar && (s == "true" || s == "false") {
			return s, true, true
		}
	case schema.Int, schema.Bigint:
		if isNumber && rat.IsInt() && rat.Num().IsInt64() {
			if x := rat.Num().Int64(); ty.Kind == schema.Bigint || int64(int32(x)) == x {
				return strconv.FormatInt(x, 10), true, true
			}
		}
	case schema.Float, schema.Double:
		size := 64
		if ty.Kind == schema.Float {
			size = 32
		}
		if isNumber {
			f, err := strconv.ParseFloat(number, size)
			if err != nil {
				return "", false, true
			}
			short := strconv.FormatFloat(f, 'g', -1, size)
			back, _ := new(big.Rat).SetString(short)
			return short, true, back.Cmp(rat) == 0
		}
	case schema.Decimal:
		if isNumber {
			scaled := new(big.Rat).Mul(rat, new(big.Rat).SetInt(new(big.Int).Exp(big.NewInt(10), big.NewInt(int64(ty.Scale)), nil)))
			if scaled.IsInt() && len(strings.Trim(scaled.Num().String(), "-")) <= ty.Precision {
				return scaled.Num().String(), true, true
			}
		}
	case schema.Timestamp, schema.Date:
		formats := c.Formats
		if len(formats) == 0 {
			formats = []string{map[schema.Kind]string{schema.Timestamp: "rfc3339", schema.Date: "%Y-%m-%d"}[ty.Kind]}
		}
		if t.kind != '"' && t.kind != 0 || ty.Kind == schema.Date && t.kind == 0 {
			break
		}
		for _, f := range formats {
			l, err := timeparse.Compile(f, nil)
			if err != nil {
				panic(err)
			}
			if ty.Kind == schema.Date {
				if days, ok := l.Date([]byte(t.text)); ok {
					return strconv.Itoa(int(days)), true, true
				}
			} else if ms, sub, ok := l.Parse([]byte(t.text)); ok {
				if sub > 0 {
					r.floored++
				}
				return strconv.FormatInt(ms, 10), true, true
			}
		}
	case schema.Binary:
		if t.kind == '"' && !strings.ContainsAny(t.text, "\r\n") {
			for _, e := range []*base64.Encoding{base64.StdEncoding, base64.URLEncoding, base64.RawStdEncoding, base64.RawURLEncoding} {
				if b, err := e.Strict().DecodeString(t.text); err == nil {
					return fmt.Sprintf("%x", b), true, true
				}
			}
		}
	case schema.List, schema.Map:
		if t.kind != map[schema.Kind]byte{schema.List: '[', schema.Map: '{'}[ty.Kind] {
			break
		}
		exact = true
		var parts []string
		for i, kid := range t.kids {
			v, ex := "null", true
			if kid.kind != 'n' {
				var in []item
				if v, fits, ex = r.value(c, *ty.Elem, path, kid, &in); !fits {
					return "", false, true
				}
				ex = ex && len(in) == 0
			}
			exact = exact && ex
			if ty.Kind == schema.Map {
				v = strconv.Quote(t.keys[i]) + "=" + v
			}
			parts = append(parts, v)
		}
		return "[" + strings.Join(parts, " ") + "]", true, exact
	case schema.Struct:
		if t.kind != '{' {
			break
		}
		cells := map[string]string{}
		for i, kid := range t.kids {
			p := append(slices.Clone(path), t.keys[i])
			f := slices.IndexFunc(ty.Fields, func(f schema.Field) bool { return f.Key == t.keys[i] })
			switch {
			case kid.kind == 'n':
			case f < 0:
				if kid.leaves() {
					*inner = append(*inner, item{path: p, t: kid, column: true})
				}
			default:
				var in []item
				v, fits, ex := r.value(c, ty.Fields[f].Type, p, kid, &in)
				if fits {
					cells[t.keys[i]] = v
				} else if r.s.OnTypeConflict == schema.Quarantine {
					r.misfit = true
				}
				if !fits || !ex {
					*inner = append(*inner, item{path: p, t: kid, column: true})
				}
				*inner = append(*inner, in...)
			}
		}
		var parts []string
		for _, f := range ty.Fields {
			v := "null"
			if x, ok := cells[f.Key]; ok {
				v = x
			}
			parts = append(parts, v)
		}
		return "{" + strings.Join(parts, " ") + "}", true, true
	}
	return "", false, true
}

var jsonNumber = regexp.MustCompile(`^-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][-+]?[0-9]+)?$`)
