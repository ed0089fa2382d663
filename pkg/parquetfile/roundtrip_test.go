package parquetfile

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/apache/arrow/go/v17/arrow"
	"github.com/google/go-cmp/cmp"

	"datalake/pkg/schema"
)

// columns makes a schema of columns by their types' texts; "!" before a type means not null.
func columns(t testing.TB, types ...string) *arrow.Schema {
	t.Helper()
	var fields []arrow.Field
	for i, s := range types {
		nullable := s[0] != '!'
		if !nullable {
			s = s[1:]
		}
		typ, err := schema.ParseType(s)
		if err != nil {
			t.Fatal(err)
		}
		fields = append(fields, arrow.Field{Name: fmt.Sprintf("c%d", i), Type: typ.Arrow(), Nullable: nullable})
	}
	return arrow.NewSchema(fields, nil)
}

var allTypes = []string{
	"string", "!string", "boolean", "!boolean", "int", "!int", "bigint", "!bigint", "float", "!float", "double", "!double", "date", "!timestamp",
	"timestamp", "binary", "json", "decimal(4,2)", "decimal(9,0)", "!decimal(18,4)", "decimal(10,10)", "decimal(19,2)", "decimal(38,10)",
	"list<string>", "list<int>", "!list<double>", "list<boolean>", "list<list<bigint>>", "list<decimal(20,1)>", "map<string,double>",
	"map<string,list<string>>", "struct<a:int,b:string>", "!struct<a:double,b:struct<c:timestamp,d:list<string>>>",
	"list<struct<a:string,b:list<struct<c:int>>,m:map<string,boolean>>>", "struct<a:struct<b:struct<c:string>>>", "list<map<string,list<date>>>",
}

func TestRoundTrip(t *testing.T) {
	for _, typ := range allTypes {
		t.Run(typ, func(t *testing.T) {
			mem := checked(t)
			s := columns(t, typ)
			r := rand.New(rand.NewPCG(1, 2))
			rec := randomRecord(r, mem, s, 700)
			defer rec.Release()
			for _, o := range []Options{{}, {Encoding: Plain, Compression: Snappy}, {RowGroupRows: 130}} {
				for _, tune := range []func(*Writer){nil, small} {
					b := write(t, s, o, tune, rec)
					if d := cmp.Diff(lines(rec), read(t, b, s, mem)); d != "" {
						t.Fatalf("%+v: %s", o, d)
					}
					if n, err := Verify(bytes.NewReader(b), int64(len(b))); n != 700 || err != nil {
						t.Fatalf("%+v: Verify: %d rows, %v", o, n, err)
					}
					if got, _ := openFile(t, b).Schema(); !got.Equal(s) {
						t.Fatalf("schema is %s, want %s", got, s)
					}
				}
			}
		})
	}
}

func TestEmptyFile(t *testing.T) {
	mem := checked(t)
	s := columns(t, allTypes...)
	b := write(t, s, Options{}, nil)
	if got := read(t, b, s, mem); len(got) != 0 {
		t.Errorf("%d rows in an empty file", len(got))
	}
	if n, err := Verify(bytes.NewReader(b), int64(len(b))); n != 0 || err != nil {
		t.Errorf("Verify: %d rows, %v", n, err)
	}
}
