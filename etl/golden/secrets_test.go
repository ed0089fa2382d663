package golden

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/commitlog"
	"datalake/pkg/layout"
)

const maskedLake = `version: 1
sources:
  s:
    event_time: arrival
    dedupe: {key: [id]}
    on_type_conflict: %s
    columns:
      - {path: data.id, type: string, trim: true, mask: {sha256: "env:SALT"}}
      - {path: data.mail, type: string, case: lower, pattern: "@", on_fail: reject, mask: {keep_last: 3}}
      - {path: data.note, type: string, length: {max: 40}, enum: [nothing], on_fail: "null", mask: drop}
      - {path: data.in.deep, type: string, mask: drop}
      - {path: data.n, type: int, required: true}
    derived: [{name: failing, type: bigint, expr: int(note)}]
    rules: [{name: number, expr: double(mail) > 0.0, on_fail: reject}, {name: short, expr: "size(mail) < 30", on_fail: reject}]
  bare:
    envelope: none
    event_time: arrival
    columns: [{path: mail, type: string, mask: drop}]
`

// maskedRecords are lines that hold PLAIN at masked paths, in every way that records go wrong. VISIBLE is not masked. unnamed:
// some do not say whose they are.
func maskedRecords(unnamed bool) string {
	var b strings.Builder
	for i := range 300 {
		fmt.Fprintf(&b, `{"source":"s","data":{"id":" PLAIN%d ","mail":"PLAIN%d@xyz","note":"PLAIN","in":{"deep":"PLAIN"},"n":%d,"other":"VISIBLE"}}`+"\n", i%200, i, i)
	}
	for _, data := range []string{
		`{"id":"PLAIN","n":1}`, `{"mail":"PLAIN","n":1,"other":"VISIBLE"}`, `{"mail":"PLAIN and long, so that it is not short@","n":1}`, `{"mail":"PLAIN@"}`,
		`{"mail":{"x":"PLAIN"},"n":1}`, `{"mail":["PLAIN"],"n":1}`, `{"note":{"a":{"b":"PLAIN"}},"n":"many"}`, `{"in":{"deep":["PLAIN"],"other":1},"n":1}`,
		`{"id":"PLAIN","id":"PLAIN","n":1}`, `{"\u0069d":"PLAIN","mail":"\u0050LAIN@PLAIN","n":1}`, `{"id":"PLAIN"`, `{"id":"PLAIN",}`, `{"id":"PLAIN` + "\xff" + `"}`, `{"id":"PLAIN\ud800"}`,
	} {
		b.WriteString(`{"source":"s","data":` + data + "}\n")
		if unnamed {
			b.WriteString(`{"record_id":"r","data":` + data + "}\n")
		}
	}
	b.WriteString("\"PLAIN\"\n[\"PLAIN\"]\nPLAIN\n" + `{"source":"s","data":{"id":"PLAIN","n":1}} PLAIN` + "\n")
	return b.String()
}

// No byte of what a run writes, and no word of what it says, is a masked value: tables, quarantine, log, catalog, names, result.
func TestMaskedValuesStayHidden(t *testing.T) {
	for _, conflict := range []string{"rescue", "quarantine", "widen"} {
		for _, s := range []settings{{parallel: 1}, {parallel: 4, memory: 1}} {
			l := newLake(s)
			if err := l.configure(fmt.Appendf(nil, maskedLake, conflict)); err != nil {
				t.Fatal(err)
			}
			for run := range 2 {
				objects := []object{
					{key: fmt.Sprintf("s/%d.json", run), data: []byte(maskedRecords(true))},
					{key: fmt.Sprintf("others/%d.json", run), data: []byte(maskedRecords(false))},
					{key: fmt.Sprintf("s/%d-array.json", run), data: []byte(`[{"source":"s","data":{"id":"PLAIN","n":1}} "PLAIN" {"source":"s","data":{"id":"PLAIN"}}]`)},
					{key: fmt.Sprintf("bare/%d.json", run), data: []byte("{\"mail\":\"PLAIN\",\"v\":\"VISIBLE\"}\n{\"mail\":\"PLAIN\"\n")},
				}
				if err := l.land(t.Context(), objects); err != nil {
					t.Fatal(err)
				}
				r, err := l.run(t.Context())
				if err != nil {
					t.Fatal(err)
				}
				said, err := json.Marshal(r)
				if err != nil {
					t.Fatal(err)
				}
				if strings.Contains(string(said), "PLAIN") || r.Quarantined == 0 {
					t.Errorf("%s, %+v, run %d says %s", conflict, s, run+1, said)
				}
			}
			visible := l.search(t, "PLAIN")
			if visible["parquet"] == 0 || visible["zst"] == 0 {
				t.Errorf("what is not masked was found nowhere: %v", visible)
			}
		}
	}
}

// search fails the test where a word is in the name or content of an object outside the raw zone. It gives the number of objects with
// VISIBLE, by the end of their names.
func (l *lake) search(t *testing.T, word string) map[string]int {
	t.Helper()
	z, err := zstd.NewReader(nil)
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	log, err := commitlog.Open(t.Context(), l.zones.State.Sub(layout.Processed))
	if err != nil {
		t.Fatal(err)
	}
	head, err := log.Head(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	visible := map[string]int{}
	for info, err := range l.store.List(t.Context(), "", "") {
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(info.Key, l.zones.Raw.Key("")) {
			continue
		}
		data, err := l.get(t.Context(), info.Key)
		if err != nil {
			t.Fatal(err)
		}
		text := append([]byte(info.Key+"\n"), data...)
		end := info.Key[strings.LastIndexByte(info.Key, '.')+1:]
		switch {
		case bytes.HasPrefix(data, []byte{0x28, 0xb5, 0x2f, 0xfd}):
			if text, err = z.DecodeAll(data, text); err != nil {
				t.Fatal(err)
			}
		case end == "parquet":
			_, path, ok := strings.Cut(info.Key, "source=")
			if !ok {
				continue // put aside: the table's folder has the same file
			}
			source, _, _ := strings.Cut(path, "/")
			rows, err := l.readFile(t.Context(), head.Sources[source].Schema, info.Key)
			if err != nil {
				t.Fatal(err)
			}
			text = append(text, strings.Join(rows, "\n")...)
		}
		for _, form := range []string{word, strings.ToLower(word)} {
			if i := bytes.Index(text, []byte(form)); i >= 0 {
				t.Errorf("%s holds %q", info.Key, text[max(i-80, 0):min(i+80, len(text))])
			}
		}
		if bytes.Contains(text, []byte("VISIBLE")) {
			visible[end]++
		}
	}
	return visible
}
