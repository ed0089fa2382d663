package etl_test

import (
	"context"
	"io"
	"path"
	"strconv"
	"strings"
	"testing"

	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
)

// A record of 50 MB is a record; one of more than 64 MiB is a reject, with its beginning as payload; those around them are
// read.
func TestLargeRecords(t *testing.T) {
	if testing.Short() {
		t.Skip("takes a gigabyte")
	}
	l := openLake(memory.New())
	record := func(id, size int) string {
		return `{"record_id":"r` + strconv.Itoa(id) + `","source":"s","data":{"v":` + strconv.Itoa(id) + `,"text":"` + strings.Repeat("x", size) + `"}}`
	}
	l.put(t, "raw/s/1.json", record(1, 50<<20)+"\n"+record(2, 1)+"\n"+record(3, 65<<20)+"\r\n"+record(4, 1))
	l.put(t, "raw/s/2.json", "[\n "+record(5, 50<<20)+",\n "+record(6, 65<<20)+",\n "+record(7, 1)+"]")
	res := l.run(t)
	if res.RecordsIn != 7 || res.RecordsOut != 5 || res.Quarantined != 2 || res.Tables[0].Rules["size"] != 2 {
		t.Errorf("%+v", res)
	}
	want := map[string]string{"r1": "1", "r2": "2", "r4": "4", "r5": "5", "r7": "7"}
	if err := l.check(context.Background(), want); err != nil {
		t.Error(err)
	}
}

// Verify names each damaged file, and does not stop at one.
func TestVerifyDamage(t *testing.T) {
	store := memory.New()
	l, f := openLake(store), newFeed(4)
	f.add(t, l)
	l.run(t)
	var keys []string
	for info, err := range store.List(t.Context(), "processed/", "") {
		if err != nil {
			t.Fatal(err)
		}
		keys = append(keys, info.Key)
	}
	for i, damage := range []func(b []byte) []byte{
		func(b []byte) []byte { return b[:len(b)-10] },
		func(b []byte) []byte { b[len(b)/3] ^= 1; return b },
		func([]byte) []byte { return nil },
	} {
		r, _, err := store.Get(t.Context(), keys[i], storage.GetOptions{})
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(r)
		if err != nil {
			t.Fatal(err)
		}
		l.put(t, keys[i], string(damage(body)))
	}
	l.put(t, path.Dir(keys[3])+"/foreign.parquet", "x")
	err := l.verify(t.Context())
	for _, key := range append(keys[:3:3], path.Dir(keys[3])+"/foreign.parquet") {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("verify does not name %s: %v", key, err)
		}
	}
}
