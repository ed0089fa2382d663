package etl

import (
	"sync/atomic"
	"time"

	"datalake/pkg/process"
)

// Step is what a phase of a run took, or a part of one. Phases follow each other: list, map, resolve, write, decide, publish.
// The parts of map and write, named "map: decode" and so on, run beside each other on several goroutines.
type Step struct {
	Name string `json:"name"`
	// Seconds of a phase are the clock's. Those of a part are summed over goroutines: what it computed, and what it waited
	// for the store or for temporary files.
	Seconds float64 `json:"seconds"`
	// Bytes that the step took in or made, and rows of it; 0 where that says nothing. See docs/performance.md.
	Bytes int64 `json:"bytes,omitempty"`
	Rows  int64 `json:"rows,omitempty"`
	// Memory is the process's resident set when a phase ended, in bytes; 0 for parts, and where the system does not tell.
	Memory int64 `json:"memory_bytes,omitempty"`
}

// part counts what one part of a phase did. Safe for concurrent use.
type part struct {
	nanos, bytes, rows atomic.Int64
}

// since counts work that began then.
func (p *part) since(began time.Time, bytes, rows int64) {
	p.nanos.Add(int64(time.Since(began)))
	p.bytes.Add(bytes)
	p.rows.Add(rows)
}

// meter keeps what the steps of a run took. Its phases are one goroutine's, its parts everyone's. It looks at the clock some
// ten times for a megabyte of input, which costs nothing that can be measured.
type meter struct {
	steps []Step
	began time.Time // of the phase at work

	read, decode, clean, stages, keys, segments part // of map
	load, encode, put                           part // of write
}

// start begins the first phase.
func (m *meter) start() { m.began = time.Now() }

// end ends the phase at work, gives it its name, and begins the next. A phase that is done again, on a newer base or by another
// schema, adds to its step.
func (m *meter) end(phase string, bytes, rows int64) {
	now := time.Now()
	m.step(Step{Name: phase, Seconds: now.Sub(m.began).Seconds(), Bytes: bytes, Rows: rows, Memory: process.Memory()})
	m.began = now
	var parts []namedPart
	switch phase {
	case "map":
		parts = []namedPart{{"read", &m.read}, {"decode", &m.decode}, {"clean", &m.clean}, {"stages", &m.stages}, {"keys", &m.keys}, {"segments", &m.segments}}
	case "write":
		parts = []namedPart{{"load", &m.load}, {"encode", &m.encode}, {"put", &m.put}}
	}
	for _, p := range parts {
		if nanos := p.nanos.Swap(0); nanos > 0 {
			m.step(Step{Name: phase + ": " + p.name, Seconds: time.Duration(nanos).Seconds(), Bytes: p.bytes.Swap(0), Rows: p.rows.Swap(0)})
		}
	}
}

type namedPart struct {
	name string
	*part
}

func (m *meter) step(s Step) {
	for i := range m.steps {
		if o := &m.steps[i]; o.Name == s.Name {
			o.Seconds += s.Seconds
			o.Bytes += s.Bytes
			o.Rows += s.Rows
			o.Memory = max(o.Memory, s.Memory)
			return
		}
	}
	m.steps = append(m.steps, s)
}
