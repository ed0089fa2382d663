package infer

import (
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"datalake/pkg/batch"
	"datalake/pkg/jsontext"
	"datalake/pkg/schema"
)

// told is a record as a decoder tells of it: its text, and where the members stand that have no column.
type told struct {
	b       []byte
	members []toldMember
}

type toldMember struct {
	path       schema.Path
	start, end int
}

func toldRecords(t testing.TB, records []string) []told {
	var all []told
	for _, record := range records {
		r := told{b: jsontext.Pad([]byte(record))}
		w := walker{profile: NewProfile(), b: r.b}
		for i := jsontext.Space(r.b, 1); r.b[i] == '"'; {
			key, end := w.key(i)
			path := schema.Path{string(key)}
			i = jsontext.Space(r.b, jsontext.Space(r.b, end)+1)
			end = w.skip(i)
			r.members = append(r.members, toldMember{path, i, end})
			if i = jsontext.Space(r.b, end); r.b[i] == ',' {
				i = jsontext.Space(r.b, i+1)
			}
		}
		all = append(all, r)
	}
	return all
}

// benchRecords are records of a sensor, and wide ones whose 40 fields stand in any order.
func benchRecords() (sensor, wide []string) {
	r := rand.New(rand.NewPCG(1, 1))
	texts := []string{`"plain words and more"`, `"größe Łódź \u0041bc"`, `"1988c7fdddbbedf8178f8676bb673c06"`, `"0655b2"`, `"2025-06-29T01:00:00.000+01:00"`, `"a \"quoted\" word"`}
	for i := range 2000 {
		sensor = append(sensor, fmt.Sprintf(`{"data":{"device_id":"sensor_%d","timestamp":"2025-01-%02dT00:00:%02d.123Z","temperature":%d.25,"humidity":%d,"n":"%d"},"metadata":{"location":"hall %d","firmware_version":"1.%d.0"}}`,
			r.IntN(100), 1+i%28, i%60, i%40, i%100, i, i%7, i%9))
		var fields [4][]string
		for f := range 40 {
			value := texts[f%len(texts)]
			switch f % 4 {
			case 0:
				value = fmt.Sprint(r.IntN(1e6))
			case 1:
				value = fmt.Sprintf("%.3f", r.Float64())
			}
			if f%9 == 0 {
				value = fmt.Sprintf("[%d,%d]", r.IntN(9), r.IntN(9))
			}
			fields[f%4] = append(fields[f%4], fmt.Sprintf(`"naïve_field%d":%s`, f, value))
		}
		for _, f := range fields {
			r.Shuffle(len(f), func(i, j int) { f[i], f[j] = f[j], f[i] })
		}
		fields[0] = append(fields[0], `"a":{`+strings.Join(fields[1], ",")+"}", `"b":{"c":{`+strings.Join(fields[2], ",")+"}}", strings.Join(fields[3], ","))
		wide = append(wide, `{"data":{`+strings.Join(fields[0], ",")+"}}")
	}
	return sensor, wide
}

// A profile of records is what a source's first run has where its guess fails, and each sample.
func BenchmarkProfile(b *testing.B) {
	sensor, wide := benchRecords()
	for _, c := range []struct {
		name    string
		records []string
	}{{"sensor", sensor}, {"wide", wide}} {
		b.Run(c.name, func(b *testing.B) {
			all := toldRecords(b, c.records)
			size := 0
			for _, r := range c.records {
				size += len(r)
			}
			b.SetBytes(int64(size))
			b.ReportAllocs()
			p := NewProfile()
			for b.Loop() {
				for i := range all {
					o := batch.Origin{Object: object, Offset: int64(i)}
					p.Record("s", true, o)
					for _, m := range all[i].members {
						p.Unknown("s", true, o, m.path, all[i].b, m.start, m.end)
					}
				}
			}
		})
	}
}
