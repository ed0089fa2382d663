package forecast

import (
	"context"
	"errors"
	"math"
	"runtime"
	"slices"
	"strings"
	"time"

	"datalake/etl"
	"datalake/pkg/layout"
	"datalake/pkg/process"
)

// Options of Foresee. The zero value has the defaults.
type Options struct {
	// Whole is up to how many bytes of raw objects all of it is tried, so that counts are exact; 0: 64 MiB.
	Whole int64
	// Text is about how many bytes of raw objects are tried of more than that; 0: 32 MiB.
	Text int64
	// Disk is what a lake's store costs beside the bytes that go through it.
	Disk Disk
	// Prices; the zero value: DefaultPrices.
	Prices Prices
}

// Disk is what a store takes for each object, measured by whoever knows the store.
type Disk struct {
	// Read seconds for each raw object, and Write seconds for each data file, of one thread.
	Read, Write float64
}

// Forecast is what a run would read, write, need and cost.
type Forecast struct {
	// Sampled: only a sample was tried, and what follows is drawn from that; else the counts are exact.
	Sampled bool `json:"sampled"`
	// Tried is how many records were tried.
	Tried       int64 `json:"tried_records"`
	Objects     int   `json:"objects"`
	BytesIn     int64 `json:"bytes_in"`
	RecordsIn   int64 `json:"records_in"`
	RecordsOut  int64 `json:"records_out"`
	Duplicates  int64 `json:"duplicates"`
	Quarantined int64 `json:"quarantined"`
	Rescued     int64 `json:"rescued"`
	Replaced    int64 `json:"replaced"`
	Files       int   `json:"files"`
	Partitions  int   `json:"partitions"`
	BytesOut    int64 `json:"bytes_out"`
	PeakMemory  int64 `json:"peak_memory_bytes"`
	Spilled     int64 `json:"spilled_bytes"`
	// CPUSeconds are of all cores; Seconds are the clock's, where nothing else is at work.
	CPUSeconds float64 `json:"cpu_seconds"`
	Seconds    float64 `json:"seconds"`
	Tables     []Rows  `json:"tables"`
	// Warnings of the trial.
	Warnings []string `json:"warnings,omitempty"`
	Cost     Cost     `json:"cost"`
}

// Rows are the counts of one table.
type Rows struct {
	Source      string `json:"source"`
	RecordsIn   int64  `json:"records_in"`
	RecordsOut  int64  `json:"records_out"`
	Duplicates  int64  `json:"duplicates"`
	Quarantined int64  `json:"quarantined"`
	Rescued     int64  `json:"rescued"`
	Replaced    int64  `json:"replaced"`
	Partitions  int    `json:"partitions"`
	Files       int    `json:"files"`
}

const (
	defaultWhole = 64 << 20
	defaultText  = 32 << 20
	// probeRecords are tried first, to see how large records are.
	probeRecords = 1000
	// fewer is by how much the smaller of the two trials is smaller: two points show what grows with the rows and what does not.
	fewer = 4
	// fileBytes is the size at which a new partition gets another file.
	fileBytes = 256 << 20
	// littleBytes is below what input no guess of the columns is made.
	littleBytes = 8 << 20
)

// Foresee tells what a run of the job would read, write, need and cost. It makes trials of samples: one to see how large records are, one
// of a quarter, and one of Options.Text; or one of all, where that is little. The counts of the last are scaled by the bytes of each source;
// the shares of duplicates, the size of files and the number of partitions by how they differ between the two. Time and memory are
// those of this process, so nothing else should be at work in it. Errors are those of Try.
func Foresee(ctx context.Context, job etl.Job, o Options) (*Forecast, error) {
	if o.Whole == 0 {
		o.Whole = defaultWhole
	}
	if o.Text == 0 {
		o.Text = defaultText
	}
	if o.Prices == (Prices{}) {
		o.Prices = DefaultPrices()
	}
	if job.Parallel <= 0 {
		job.Parallel = runtime.GOMAXPROCS(0)
	}
	job.Sample = probeRecords
	probe, err := measure(ctx, job)
	if err != nil {
		return nil, err
	}
	e := &estimate{job: job, o: o}
	for _, s := range probe.result.Sampled {
		e.bytes += s.AllBytes
		e.objects += s.AllObjects
	}
	job.Sample = 0
	if e.bytes > o.Whole {
		job.Sample = max(fewer, probe.recordsOf(o.Text))
	}
	if job.Sample > 0 {
		less := job
		less.Sample /= fewer
		if e.small, err = measure(ctx, less); err != nil {
			return nil, err
		}
	}
	if e.main, err = measure(ctx, job); err != nil {
		return nil, err
	}
	return e.forecast(), nil
}

// measured is what a trial has shown.
type measured struct {
	result *etl.Result
	// rows of the files that it added, by source and partition.
	rows map[string]map[string]int64
	// cpu is the CPU time that it took.
	cpu time.Duration
	// fresh are the partitions that the table did not have.
	fresh map[string]bool
}

func measure(ctx context.Context, job etl.Job) (m *measured, err error) {
	began := process.CPU()
	t, err := Try(ctx, job)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, t.Close()) }()
	m = &measured{result: t.Result, cpu: process.CPU() - began, rows: map[string]map[string]int64{}, fresh: map[string]bool{}}
	for p, f := range t.added(layout.Processed) {
		source := layout.SourceOf(p.Path)
		if m.rows[source] == nil {
			m.rows[source] = map[string]int64{}
		}
		m.rows[source][p.Path] += f.Rows
		m.fresh[p.Path] = t.before.Partitions[p.Partition] == nil
	}
	return m, nil
}

// recordsOf is how many records a sample must have to hold about so many bytes.
func (m *measured) recordsOf(bytes int64) int {
	r := m.result
	return int(float64(bytes) * float64(r.RecordsIn) / float64(max(r.BytesIn, 1)))
}

// estimate draws a forecast from trials.
type estimate struct {
	job     etl.Job
	o       Options
	bytes   int64
	objects int
	main    *measured
	small   *measured // nil: main was of all
	repeats float64   // see duplicates
}

// goodRecords is how many records there are that are not quarantined.
func (e *estimate) goodRecords() (n int64) {
	for _, t := range e.main.result.Tables {
		n += int64(float64(t.RecordsIn-t.Quarantined) * e.factor(t.Source))
	}
	return n
}

// factor is how many times as much as the sample of a source there is of it. Records of a source that has no folder of its own are taken to lie
// in the folders that have no table of their own, or in all.
func (e *estimate) factor(source string) float64 {
	if e.small == nil {
		return 1
	}
	var read, all, foreign, foreignAll int64
	for _, s := range e.main.result.Sampled {
		if s.Source == source && s.Bytes > 0 {
			return float64(s.AllBytes) / float64(s.Bytes)
		}
		read += s.Bytes
		all += s.AllBytes
		if !slices.ContainsFunc(e.main.result.Tables, func(t etl.Table) bool { return t.Source == s.Source }) {
			foreign += s.Bytes
			foreignAll += s.AllBytes
		}
	}
	if foreign > 0 {
		return ratio(foreignAll, foreign)
	}
	return ratio(all, read)
}

func (e *estimate) forecast() *Forecast {
	r := e.main.result
	if e.repeats = 1; e.small != nil {
		e.repeats = e.duplicates(e.goodRecords())
	}
	f := &Forecast{Sampled: e.small != nil, Tried: r.RecordsIn, Objects: e.objects, BytesIn: e.bytes, Warnings: r.Warnings, Tables: []Rows{}}
	for _, t := range r.Tables {
		x := e.table(t)
		f.Tables = append(f.Tables, x)
		f.RecordsIn += x.RecordsIn
		f.RecordsOut += x.RecordsOut
		f.Duplicates += x.Duplicates
		f.Quarantined += x.Quarantined
		f.Rescued += x.Rescued
		f.Replaced += x.Replaced
		f.Files += x.Files
		f.Partitions += x.Partitions
	}
	f.BytesOut = e.bytesOut(f)
	waited := e.waited(f)
	f.Spilled = max(0, waited-e.memory()/16)
	if !f.Sampled {
		f.Spilled = r.SpilledBytes
	}
	f.PeakMemory = e.peak(waited, f)
	f.CPUSeconds = e.cpuSeconds(f)
	f.Seconds = e.seconds(f)
	f.Cost = e.o.Prices.Of(f, e.job.Parallel, e.passes())
	return f
}

func ratio(a, b int64) float64 { return float64(a) / float64(max(b, 1)) }

// memory is the job's budget.
func (e *estimate) memory() int64 {
	if e.job.Memory > 0 {
		return e.job.Memory
	}
	return etl.DefaultMemory
}

func (e *estimate) table(t etl.Table) Rows {
	if e.small == nil {
		return Rows{t.Source, t.RecordsIn, t.RecordsOut, t.Duplicates, t.Quarantined, t.Rescued, t.Replaced, t.Partitions, t.Files}
	}
	k := e.factor(t.Source)
	scaled := func(n int64) int64 { return int64(math.Round(float64(n) * k)) }
	x := Rows{Source: t.Source, RecordsIn: scaled(t.RecordsIn), Quarantined: scaled(t.Quarantined), Rescued: scaled(t.Rescued), Replaced: scaled(t.Replaced)}
	good := x.RecordsIn - x.Quarantined
	x.Duplicates = min(int64(math.Round(float64(t.Duplicates)*k*e.repeats)), good)
	x.RecordsOut = good - x.Duplicates
	x.Partitions, x.Files = e.partitions(t, x.RecordsOut)
	return x
}

// duplicates is by how much the share of duplicates in all good records is larger than in the sample. A record that is repeated soon is
// repeated in the same stretch of the sample, unless it stands at the stretch's end: how much that takes away shows in the smaller trial,
// whose stretches are shorter. One that is repeated anywhere is in the sample with both only by chance: the share of those grows as if records
// were drawn from so many that the sample's share comes out. Where the two trials differ by no more than chance, it does not grow: whole
// objects are repeated, say, or the table has them.
func (e *estimate) duplicates(good int64) float64 {
	shares := func(r *etl.Result) (near, apart, n float64) {
		n = float64(max(r.RecordsIn-r.Quarantined, 1))
		return float64(r.Duplicates-r.Apart) / n, float64(r.Apart) / n, n
	}
	near1, apart1, n1 := shares(e.small.result)
	near, apart, n2 := shares(e.main.result)
	seen := near + apart
	if seen == 0 || n2 <= n1 {
		return 1
	}
	grows := func(few, many float64) bool { return many-few > 3*math.Sqrt(many*(1/n1+1/n2)) }
	if grows(near1, near) {
		near += (near - near1) / (fewer - 1)
	}
	if grows(apart1, apart) {
		part := min(apart, (apart-apart1)*n2/(n2-n1))
		apart += drawn(part, float64(good)/n2) - part
	}
	return min(near+apart, 1) / seen
}

// drawn is the share of repeats among times as many records as those that have that share, where each is drawn from the same number: of n
// drawn from u, 1 - (1-exp(-n/u)) u/n are repeats.
func drawn(share, times float64) float64 {
	repeats := func(x float64) float64 { return 1 + math.Expm1(-x)/x }
	low, high := 1e-12, 1e6
	for range 100 {
		if mid := math.Sqrt(low * high); repeats(mid) < share {
			low = mid
		} else {
			high = mid
		}
	}
	return repeats(low * times)
}

// partitions is how many partitions and files a source is written to. Those that the sample does not show are guessed from those that
// it shows once and twice (Chao's estimate of the number of species).
func (e *estimate) partitions(t etl.Table, rows int64) (partitions, files int) {
	seen := e.main.rows[t.Source]
	var total int64
	once, twice := 0.0, 0.0
	for _, n := range seen {
		total += n
		switch n {
		case 1:
			once++
		case 2:
			twice++
		}
	}
	unseen := once * once / (2 * max(twice, 1))
	partitions = int(min(float64(len(seen))+unseen, float64(max(rows, int64(len(seen))))))
	perRow := ratio(e.main.result.BytesOut, e.main.result.RecordsOut)
	files = partitions
	for path, n := range seen {
		if size := float64(n) * ratio(rows, total) * perRow; e.main.fresh[path] {
			files += int(size / fileBytes)
		}
	}
	return partitions, files
}

// bytesOut is the size of all files. If it were a part that each file has and a part that grows with the rows, the two trials would show
// both; if values came to be known, and rows smaller, the more there are, it would be a power of the rows. It is something between: on the
// data of benchmarks/forecast two thirds of the way to the first are within a tenth.
func (e *estimate) bytesOut(f *Forecast) int64 {
	r := e.main.result
	if e.small == nil || r.RecordsOut == 0 {
		return r.BytesOut
	}
	s := e.small.result
	rows, bytes := r.RecordsOut-s.RecordsOut, r.BytesOut-s.BytesOut
	if rows <= 0 || bytes <= 0 || s.RecordsOut == 0 {
		return int64(ratio(r.BytesOut, r.RecordsOut) * float64(f.RecordsOut))
	}
	perRow := min(ratio(bytes, rows), ratio(r.BytesOut, r.RecordsOut))
	perFile := (float64(r.BytesOut) - perRow*float64(r.RecordsOut)) / float64(max(r.Files, 1))
	straight := perRow*float64(f.RecordsOut) + perFile*float64(f.Files)
	power := math.Log(ratio(r.BytesOut, s.BytesOut)) / math.Log(ratio(r.RecordsOut, s.RecordsOut))
	bent := float64(r.BytesOut) * math.Pow(ratio(f.RecordsOut, r.RecordsOut), power)
	return int64((2*straight + min(bent, straight)) / 3)
}

// waited is how many bytes wait between the steps: a part that grows with the rows, and one that does not.
func (e *estimate) waited(f *Forecast) int64 {
	r := e.main.result
	if e.small == nil {
		return r.WaitedBytes
	}
	s := e.small.result
	perRow := ratio(r.WaitedBytes-s.WaitedBytes, r.RecordsIn-s.RecordsIn)
	return r.WaitedBytes + int64(perRow*float64(f.RecordsIn-r.RecordsIn))
}

// How memory is used, as etl shares it out: a task of the write step holds the first rows of a file twice; a table of the resolve step
// has a bucket of keys.
const (
	pageRows = 16 << 10
	buckets  = 256
	keyBytes = 50
)

// peak is the peak of resident memory: what the trial took; what waits, and what the resolve or the write step holds, more than in the
// trial; and half as much again for the collector.
func (e *estimate) peak(waited int64, f *Forecast) int64 {
	r := e.main.result
	if e.small == nil || r.RecordsOut == 0 {
		return r.PeakMemory
	}
	share, threads := e.memory()/16, int64(e.job.Parallel)
	more := min(waited, share) - min(r.WaitedBytes, share)
	perRow := 64 + ratio(waited, f.RecordsIn)
	held := func(rows int64, partitions int) int64 {
		pages := 2 * perRow * float64(min(rows/int64(max(partitions, 1)), pageRows))
		return threads * min(max(int64(pages), rows/buckets*keyBytes), 2*share/threads)
	}
	more += held(f.RecordsOut, f.Partitions) - held(r.RecordsOut, e.mainPartitions())
	return min(r.PeakMemory+max(more, 0)*3/2, max(e.memory(), r.PeakMemory))
}

// mainPartitions is how many partitions the trial has written to.
func (e *estimate) mainPartitions() (n int) {
	for _, parts := range e.main.rows {
		n += len(parts)
	}
	return n
}

// passes is how often objects are read: of little input with news once to see what is new, and once more.
func (e *estimate) passes() int64 {
	news := func(t etl.Table) bool { return len(t.NewColumns) > 0 }
	if e.bytes < littleBytes && slices.ContainsFunc(e.main.result.Tables, news) {
		return 2
	}
	return 1
}

// onePass is how often a run with news decodes its records where it has enough input for a guess of the columns: some of them twice.
const onePass = 1.1

// time is the CPU time of a trial as if it had decoded its records about once. A sample with news may be decoded several times, for little of
// it is there to make a guess of; a run of all mostly guesses right.
func (m *measured) time() float64 {
	var mapped, all, decoded float64
	for _, s := range m.result.Steps {
		part, ok := strings.CutPrefix(s.Name, "map: ")
		if ok {
			mapped += s.Seconds
		}
		if part == "decode" {
			decoded = ratio(s.Rows, m.result.RecordsIn)
		}
		if ok || strings.HasPrefix(s.Name, "write: ") {
			all += s.Seconds
		}
	}
	cpu := m.cpu.Seconds()
	if decoded <= onePass || all == 0 {
		return cpu
	}
	share := mapped / all
	return cpu * (1 - share + share*onePass/decoded)
}

// waiting is by how much a run takes longer than its CPU time, divided over its threads: what one thread does alone, and what it waits for.
const waiting = 1.1

// cpuSeconds is the trial's CPU time, in proportion to records: what the larger of the two trials takes more than the other, for it is what
// grows.
func (e *estimate) cpuSeconds(f *Forecast) float64 {
	if e.small == nil {
		return e.main.cpu.Seconds()
	}
	r, s := e.main.result, e.small.result
	cpu := e.main.time()
	perRecord := max(0, cpu-e.small.time()) / float64(max(r.RecordsIn-s.RecordsIn, 1))
	return cpu + perRecord*float64(f.RecordsIn-r.RecordsIn)
}

// seconds is the time that the run takes on this machine: CPU time over the threads, and what the store takes for each object and file.
func (e *estimate) seconds(f *Forecast) float64 {
	return (f.CPUSeconds*waiting + float64(e.objects)*e.o.Disk.Read + float64(f.Files)*e.o.Disk.Write) / float64(e.job.Parallel)
}
