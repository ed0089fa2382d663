package demo

import (
	"fmt"
	"strconv"
	"time"
)

// iotSensors: readings of sensors in the lake's envelope.
var iotSensors = source{
	name: "iot_sensors", share: 0.6, perObject: 2500, again: 0.02, broken: 0.0005, cut: -1,
	record: sensorReading,
	spoil:  spoil,
	pack:   lines,
	suffix: func(n int) string { return []string{"", ".gz"}[n%2] },
}

var sites = []struct {
	name     string
	lat, lon float64
}{
	{"Zürich", 47.3769, 8.5417},
	{"São Paulo", -23.5505, -46.6333},
	{"東京", 35.6762, 139.6503},
	{"Kraków", 50.0647, 19.945},
	{"Austin", 30.2672, -97.7431},
	{"Lagos", 6.5244, 3.3792},
	{"Malmö", 55.605, 13.0038},
	{"Pune", 18.5204, 73.8567},
}

func sensorReading(r *record, i int, arrived time.Time, drifted bool) {
	device := r.IntN(400)
	site := sites[device%len(sites)]
	event := arrived.Add(-time.Duration(r.IntN(4000)) * time.Millisecond)
	if chance(r.Rand, 0.03) { // a device that was offline
		event = event.Add(-time.Duration(r.IntN(6*24*3600)) * time.Second)
	}
	r.add("record_id", fmt.Sprintf(`"%08x-%04x-7%03x-8%03x-%012x"`, uint32(i)*2654435761, uint16(i), i>>16&0xfff, r.IntN(4096), r.Uint64()&(1<<48-1)))
	r.add("source", `"iot_sensors"`)
	r.add("ingested_at", stamp(arrived))

	var d record
	d.add("device_id", fmt.Sprintf(`"sensor_%04d"`, device))
	switch p := r.Float64(); {
	case p < 0.002:
		d.add("timestamp", "null")
	case p < 0.004: // a clock without a battery
		d.add("timestamp", `"1970-01-01T00:00:12.000Z"`)
	default:
		d.add("timestamp", stamp(event))
	}
	if drifted && chance(r.Rand, 0.1) {
		d.nest("site", []member{{key: "name", value: quote(site.name)}, {key: "floor", value: strconv.Itoa(r.IntN(9))}})
	} else {
		d.add("site", quote(site.name))
	}
	temperature := strconv.FormatFloat(float64(150+r.IntN(120))/10, 'f', 1, 64)
	switch p := r.Float64(); {
	case p < 0.01:
		temperature = `"` + temperature + `"`
	case p < 0.02:
		temperature = "null"
	case drifted && p < 0.05:
		temperature = pick(r.Rand, `"n/a"`, `"sensor fault"`)
	}
	d.add("temperature", temperature)
	if !chance(r.Rand, 0.02) {
		d.add("humidity", strconv.FormatFloat(float64(300+r.IntN(400))/10, 'f', 1, 64))
	}
	battery := strconv.Itoa(100 - (i/400)%100)
	if drifted && chance(r.Rand, 0.02) {
		battery = `"` + battery + `%"`
	}
	d.add("battery", battery)
	d.add("status", pick(r.Rand, `"ok"`, `"ok"`, `"ok"`, `"ok"`, `"calibrating"`, `"low_battery"`))
	d.nest("location", []member{
		{key: "lat", value: strconv.FormatFloat(site.lat, 'f', -1, 64)},
		{key: "lon", value: strconv.FormatFloat(site.lon, 'f', -1, 64)},
	})
	d.add("tags", pick(r.Rand, `[]`, `["indoor"]`, `["indoor","floor-3"]`, `["roof"]`))
	if drifted {
		d.add("co2_ppm", strconv.Itoa(400+r.IntN(900)))
	}
	r.nest("data", d.members)

	build := strconv.Itoa(1040 + device%5)
	if device%7 == 0 {
		build = `"` + build + `-rc1"`
	}
	r.nest("metadata", []member{{key: "firmware", value: fmt.Sprintf(`"2.%d.%d"`, device%4, device%9)}, {key: "build", value: build}})
}
