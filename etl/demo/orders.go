package demo

import (
	"bytes"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"
)

// shopOrders: orders of a shop in the envelope, two in three without an id of their own.
var shopOrders = source{
	name: "shop_orders", share: 0.08, perObject: 150, again: 0.03, broken: 0.0005, cut: -1,
	record: order,
	spoil:  spoil,
	pack:   packOrders,
	suffix: func(n int) string { return []string{"", "", ".gz"}[n%3] },
}

var zones = []*time.Location{
	time.UTC, time.FixedZone("", 3600), time.FixedZone("", -5*3600), time.FixedZone("", 5*3600+1800),
}

func order(r *record, i int, arrived time.Time, drifted bool) {
	if i%3 == 0 {
		r.add("record_id", fmt.Sprintf(`"ord-%07d"`, i))
	}
	r.add("source", `"shop_orders"`)
	if i%3 == 0 {
		r.add("ingested_at", stamp(arrived))
	}
	event := arrived.Add(-time.Duration(1+r.IntN(90)) * time.Second)
	if chance(r.Rand, 0.02) { // a basket that was confirmed late
		event = event.Add(-time.Duration(1+r.IntN(3)) * 24 * time.Hour)
	}
	var d record
	d.add("order_id", strconv.Itoa(500_000+i))
	d.add("created_at", stamp(event.In(pick(r.Rand, zones...))))
	city := pick(r.Rand, sites...)
	d.nest("customer", []member{
		{key: "id", value: strconv.Itoa(r.IntN(4000))},
		{key: "name", value: quote(pick(r.Rand, "Zoë", "João", "Łukasz", "Ada", "雪", "Femi", "Priya") + " " + pick(r.Rand, "Müller", "Ng", "O'Neil", "Ødegård", "García", "Okafor"))},
		{key: "address", nested: []member{{key: "city", value: quote(city.name)}, {key: "zip", value: fmt.Sprintf(`"%05d"`, r.IntN(99999))}}},
	})
	cents := 0
	items := make([]string, 1+r.IntN(3))
	for k := range items {
		n, price := 1+r.IntN(3), 199+r.IntN(9000)
		cents += n * price
		items[k] = fmt.Sprintf(`{"sku":"SKU-%04d","qty":%d,"price":%d.%02d}`, r.IntN(900), n, price/100, price%100)
	}
	d.add("items", "["+strings.Join(items, ",")+"]")
	total := fmt.Sprintf("%d.%02d", cents/100, cents%100)
	switch p := r.Float64(); {
	case drifted && p < 0.04:
		total = fmt.Sprintf(`"%d,%02d EUR"`, cents/100, cents%100)
	case p < 0.05:
		total = `"` + total + `"`
	}
	d.add("total", total)
	d.add("currency", pick(r.Rand, `"EUR"`, `"EUR"`, `"USD"`, `"JPY"`))
	d.add("paid", pick(r.Rand, "true", "true", "true", "false"))
	d.add("coupon", pick(r.Rand, "null", "null", "null", `"WELCOME10"`, `"FRIENDS"`))
	if drifted {
		d.nest("shipping", []member{{key: "method", value: pick(r.Rand, `"express"`, `"standard"`)}, {key: "fee", value: pick(r.Rand, "0", "4.9", "9.5")}})
	} else {
		d.add("shipping", pick(r.Rand, `"express"`, `"standard"`))
	}
	r.nest("data", d.members)
}

// packOrders lays orders out as an array with one record a line, as records pretty-printed one after the other, or as
// NDJSON. A broken text stands on a line of its own in each, so that it costs one record.
func packOrders(n int, texts [][]byte) []byte {
	switch n % 4 {
	case 1:
		var b bytes.Buffer
		for _, t := range texts {
			if !json.Valid(t) {
				b.Write(t)
			} else if err := json.Indent(&b, t, "", "  "); err != nil {
				panic("demo: valid JSON cannot be indented: " + err.Error())
			}
			b.WriteByte('\n')
		}
		return b.Bytes()
	case 2:
		return lines(n, texts)
	}
	return append(append([]byte("[\n"), bytes.Join(texts, []byte(",\n"))...), "\n]\n"...)
}
