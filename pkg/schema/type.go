package schema

import (
	"fmt"
	"strconv"
	"strings"

	"github.com/apache/arrow/go/v17/arrow"
)

// Kind is the family of a column's type.
type Kind uint8

// The kinds, with the Arrow type that carries each in a batch. Any string-like column may also come as
// Dictionary<uint32, string>.
const (
	String    Kind = iota + 1 // utf8
	Boolean                   // bool
	Int                       // int32
	Bigint                    // int64
	Float                     // float32
	Double                    // float64
	Decimal                   // decimal128(p, s), p ≤ 38
	Date                      // date32: days since 1970-01-01
	Timestamp                 // timestamp[ms, UTC]
	Binary                    // binary, base64 in JSON
	JSON                      // utf8: the value's JSON text, white space between tokens dropped
	List                      // list<item: element, nullable>
	Map                       // map<utf8, value>
	Struct                    // struct of nullable fields
)

var kindNames = map[Kind]string{
	String: "string", Boolean: "boolean", Int: "int", Bigint: "bigint", Float: "float", Double: "double",
	Decimal: "decimal", Date: "date", Timestamp: "timestamp", Binary: "binary", JSON: "json", List: "list", Map: "map", Struct: "struct",
}

func (k Kind) String() string { return kindNames[k] }

// Type is a column's type. The zero value is no type.
type Type struct {
	Kind      Kind
	Precision int     // Decimal: digits in all, 1 to 38
	Scale     int     // Decimal: digits after the point, 0 to Precision
	Elem      *Type   // List: the element; Map: the value (keys are strings, as in JSON)
	Fields    []Field // Struct
}

// Field is one member of a struct. Key is the JSON key, Name the column-safe name in Parquet.
type Field struct {
	Key  string
	Name string
	Type Type
}

// String is the type's text in lake.yaml, which ParseType reads: bigint, decimal(10,2), list<double>,
// map<string,bigint>, struct<a:int,b:list<string>>. A struct key that differs from its name is not part of it.
func (t Type) String() string {
	switch t.Kind {
	case Decimal:
		return fmt.Sprintf("decimal(%d,%d)", t.Precision, t.Scale)
	case List:
		return "list<" + t.Elem.String() + ">"
	case Map:
		return "map<string," + t.Elem.String() + ">"
	case Struct:
		f := make([]string, len(t.Fields))
		for i, x := range t.Fields {
			f[i] = x.Name + ":" + x.Type.String()
		}
		return "struct<" + strings.Join(f, ",") + ">"
	}
	return t.Kind.String()
}

// Widens says whether a column of type t can become one of type u while its older files stay as they are, because readers take
// the old values for new ones, exactly: int becomes bigint.
func (t Type) Widens(u Type) bool {
	return t.Kind == Int && u.Kind == Bigint
}

// Hive is the type's name in the Glue Data Catalog and in Hive DDL.
func (t Type) Hive() string {
	switch t.Kind {
	case JSON:
		return "string"
	case List:
		return "array<" + t.Elem.Hive() + ">"
	case Map:
		return "map<string," + t.Elem.Hive() + ">"
	case Struct:
		f := make([]string, len(t.Fields))
		for i, x := range t.Fields {
			f[i] = x.Name + ":" + x.Type.Hive()
		}
		return "struct<" + strings.Join(f, ",") + ">"
	}
	return t.String()
}

// Arrow is the type in a record batch.
func (t Type) Arrow() arrow.DataType {
	switch t.Kind {
	case Boolean:
		return arrow.FixedWidthTypes.Boolean
	case Int:
		return arrow.PrimitiveTypes.Int32
	case Bigint:
		return arrow.PrimitiveTypes.Int64
	case Float:
		return arrow.PrimitiveTypes.Float32
	case Double:
		return arrow.PrimitiveTypes.Float64
	case Decimal:
		return &arrow.Decimal128Type{Precision: int32(t.Precision), Scale: int32(t.Scale)}
	case Date:
		return arrow.FixedWidthTypes.Date32
	case Timestamp:
		return arrow.FixedWidthTypes.Timestamp_ms
	case Binary:
		return arrow.BinaryTypes.Binary
	case List:
		return arrow.ListOf(t.Elem.Arrow())
	case Map:
		return arrow.MapOf(arrow.BinaryTypes.String, t.Elem.Arrow())
	case Struct:
		f := make([]arrow.Field, len(t.Fields))
		for i, x := range t.Fields {
			f[i] = arrow.Field{Name: x.Name, Type: x.Type.Arrow(), Nullable: true}
		}
		return arrow.StructOf(f...)
	}
	return arrow.BinaryTypes.String
}

// MarshalText makes a type its text. Struct fields whose key is not their name do not survive: such structs are
// written with quoted keys, struct<"Key":name:type>.
func (t Type) MarshalText() ([]byte, error) { return []byte(t.spec()), nil }

// UnmarshalText reads what MarshalText wrote.
func (t *Type) UnmarshalText(b []byte) (err error) {
	*t, err = ParseType(string(b))
	return err
}

func (t Type) spec() string {
	switch t.Kind {
	case List:
		return "list<" + t.Elem.spec() + ">"
	case Map:
		return "map<string," + t.Elem.spec() + ">"
	case Struct:
		f := make([]string, len(t.Fields))
		for i, x := range t.Fields {
			if f[i] = x.Name + ":" + x.Type.spec(); x.Key != x.Name {
				f[i] = strconv.Quote(x.Key) + ":" + f[i]
			}
		}
		return "struct<" + strings.Join(f, ",") + ">"
	}
	return t.String()
}

// ParseType reads a type's text. Names are case-insensitive; array is list, integer is int, long is bigint, bool is
// boolean. Struct fields may carry their JSON key in quotes before the name. The error names the part that is wrong.
func ParseType(s string) (Type, error) {
	p := typeParser{rest: strings.TrimSpace(s)}
	t, err := p.parse()
	if err == nil && p.rest != "" {
		err = fmt.Errorf("%q follows the type", p.rest)
	}
	if err != nil {
		return Type{}, fmt.Errorf("type %q: %w", s, err)
	}
	return t, nil
}

type typeParser struct{ rest string }

func (p *typeParser) space() { p.rest = strings.TrimLeft(p.rest, " \t") }

func (p *typeParser) take(c byte) error {
	p.space()
	if p.rest == "" || p.rest[0] != c {
		return fmt.Errorf("expected %q at %q", c, p.rest)
	}
	p.rest = p.rest[1:]
	p.space()
	return nil
}

func (p *typeParser) word() string {
	n := 0
	for n < len(p.rest) && (p.rest[n] == '_' || p.rest[n] >= '0' && p.rest[n] <= '9' || p.rest[n]|0x20 >= 'a' && p.rest[n]|0x20 <= 'z') {
		n++
	}
	w := p.rest[:n]
	p.rest = p.rest[n:]
	return w
}

func (p *typeParser) number() (int, error) {
	w := p.word()
	n, err := strconv.Atoi(w)
	if err != nil {
		return 0, fmt.Errorf("expected a number, found %q", w)
	}
	return n, nil
}

var kindsByName = map[string]Kind{
	"string": String, "boolean": Boolean, "bool": Boolean, "int": Int, "integer": Int, "bigint": Bigint, "long": Bigint, "float": Float,
	"double": Double, "date": Date, "timestamp": Timestamp, "binary": Binary, "json": JSON,
	"decimal": Decimal, "list": List, "array": List, "map": Map, "struct": Struct,
}

func (p *typeParser) parse() (t Type, err error) {
	w := p.word()
	k, ok := kindsByName[strings.ToLower(w)]
	if !ok {
		return t, fmt.Errorf("unknown type %q; known are string, boolean, int, bigint, float, double, decimal(p,s), date, timestamp, binary, json, list<…>, map<string,…>, struct<…>", w)
	}
	t.Kind = k
	switch k {
	case Decimal:
		if err = p.take('('); err == nil {
			if t.Precision, err = p.number(); err == nil {
				if err = p.take(','); err == nil {
					if t.Scale, err = p.number(); err == nil {
						err = p.take(')')
					}
				}
			}
		}
		if err == nil && (t.Precision < 1 || t.Precision > 38 || t.Scale < 0 || t.Scale > t.Precision) {
			err = fmt.Errorf("decimal(%d,%d): precision is 1 to 38, scale 0 to precision", t.Precision, t.Scale)
		}
	case List:
		var e Type
		if err = p.take('<'); err == nil {
			if e, err = p.parse(); err == nil {
				t.Elem = &e
				err = p.take('>')
			}
		}
	case Map:
		var e Type
		if err = p.take('<'); err != nil {
			break
		}
		if w := p.word(); !strings.EqualFold(w, "string") {
			return t, fmt.Errorf("map keys are strings, not %q", w)
		}
		if err = p.take(','); err == nil {
			if e, err = p.parse(); err == nil {
				t.Elem = &e
				err = p.take('>')
			}
		}
	case Struct:
		err = p.fields(&t)
	}
	p.space()
	return t, err
}

func (p *typeParser) fields(t *Type) error {
	if err := p.take('<'); err != nil {
		return err
	}
	seen := map[string]bool{}
	for {
		var f Field
		if strings.HasPrefix(p.rest, `"`) {
			q, err := strconv.QuotedPrefix(p.rest)
			if err != nil {
				return fmt.Errorf("a quoted key does not end at %q", p.rest)
			}
			if f.Key, err = strconv.Unquote(q); err != nil {
				return fmt.Errorf("bad quoted key %s", q)
			}
			p.rest = p.rest[len(q):]
			if err := p.take(':'); err != nil {
				return err
			}
			f.Name = p.word()
		} else {
			f.Key = p.word()
			f.Name = f.Key
		}
		if f.Name == "" {
			return fmt.Errorf("expected a field name at %q", p.rest)
		}
		if seen[f.Name] {
			return fmt.Errorf("field %q twice", f.Name)
		}
		seen[f.Name] = true
		err := p.take(':')
		if err != nil {
			return err
		}
		if f.Type, err = p.parse(); err != nil {
			return err
		}
		t.Fields = append(t.Fields, f)
		p.space()
		if strings.HasPrefix(p.rest, ",") {
			p.rest = p.rest[1:]
			p.space()
			continue
		}
		return p.take('>')
	}
}
