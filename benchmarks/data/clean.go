package data

import (
	"strconv"
	"time"
)

// clean sets up clean data: some 280 bytes a line.
func (s *Set) clean() {
	s.start = time.Date(2025, 11, 24, 0, 0, 0, 0, time.UTC).UnixMilli()
	s.sources = []string{"iot_sensors", "edge_gateway", "mobile_app"}
	s.event = []string{"data", "timestamp"}
	s.columns = []Column{
		{Path: []string{"data", "device_id"}, Name: "device_id", Type: "string"},
		{Path: []string{"data", "temperature"}, Name: "temperature", Type: "double"},
		{Path: []string{"data", "humidity"}, Name: "humidity", Type: "bigint"},
		{Path: []string{"metadata", "location"}, Name: "metadata_location", Type: "string"},
		{Path: []string{"metadata", "firmware_version"}, Name: "metadata_firmware_version", Type: "string"},
	}
	s.line = s.cleanLine
}

var cleanPlaces = []string{"hall_a", "hall_b", "hall_c", "roof_1", "roof_2", "yard", "gate_east", "gate_west", "dock_03", "dock_04", "store_11", "store_12"}

// envelope appends a record up to its data's first key.
func (s *Set) envelope(dst []byte, h head) []byte {
	dst = append(dst, `{"record_id":"`...)
	dst = uuid(dst, h.id)
	dst = append(dst, `","source":"`...)
	dst = append(dst, s.sources[h.source]...)
	dst = append(dst, `","ingested_at":"`...)
	dst = s.dates.append(dst, h.ingested, 3)
	return append(dst, `Z","data":{`...)
}

func (s *Set) cleanLine(_ *Scratch, dst []byte, h head) []byte {
	r := &h.r
	dst = append(s.envelope(dst, h), `"device_id":`...)
	if r.percent(2) {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, `"sensor_`...)
		dst = padded(dst, r.n(5000), 5)
		dst = append(dst, '"')
	}
	dst = append(dst, `,"timestamp":"`...)
	dst = s.dates.append(dst, h.event, 3)
	dst = append(dst, `Z","temperature":`...)
	dst = number(r, dst, func(dst []byte) []byte {
		v := 1500 + r.n(2000)
		dst = strconv.AppendUint(dst, v/100, 10)
		return padded(append(dst, '.'), v%100, 2)
	})
	dst = append(dst, `,"humidity":`...)
	dst = number(r, dst, func(dst []byte) []byte { return strconv.AppendUint(dst, 20+r.n(70), 10) })
	dst = append(dst, `},"metadata":{"location":`...)
	if r.percent(2) {
		dst = append(dst, "null"...)
	} else {
		dst = append(append(append(dst, '"'), pick(r, cleanPlaces)...), '"')
	}
	dst = append(dst, `,"firmware_version":`...)
	if r.percent(2) {
		dst = append(dst, "null"...)
	} else {
		dst = append(dst, '"', byte('1'+r.n(3)), '.', byte('0'+r.n(4)), '.', byte('0'+r.n(6)), '"')
	}
	return append(dst, "}}\n"...)
}

// number appends a number's text, in quotes once in a hundred times, or null, twice.
func number(r *rng, dst []byte, text func(dst []byte) []byte) []byte {
	switch r.n(100) {
	case 0:
		return append(text(append(dst, '"')), '"')
	case 1, 2:
		return append(dst, "null"...)
	}
	return text(dst)
}

// padded appends v with zeros before it, n digits in all.
func padded(dst []byte, v uint64, n int) []byte {
	for range n {
		dst = append(dst, '0')
	}
	for i := len(dst) - 1; v > 0; i-- {
		dst[i] = byte('0' + v%10)
		v /= 10
	}
	return dst
}
