package main

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/vbauerster/mpb/v8"
	"github.com/vbauerster/mpb/v8/decor"

	"datalake/etl"
)

// phases says what each phase of a run does, for people.
var phases = map[string]string{
	"list": "listing", "map": "reading", "resolve": "deduplicating", "write": "writing", "publish": "publishing",
}

// lineEvery is how often progress is told where there is no terminal.
const lineEvery = 5 * time.Second

// progress shows how a run goes on: a bar on a terminal, a line now and then elsewhere. Safe for concurrent use.
type progress struct {
	c      *console
	mu     sync.Mutex
	bars   *mpb.Progress // nil without a terminal
	bar    *mpb.Bar
	now    etl.Progress
	began  time.Time             // of the phase
	frame  atomic.Pointer[frame] // what the bar says, for the goroutine that draws
	lineAt time.Time
}

// frame is what stands beside the bar.
type frame struct {
	phase   string
	records int64
	began   time.Time
}

func newProgress(c *console) *progress {
	p := &progress{c: c, began: time.Now(), lineAt: time.Now()}
	p.frame.Store(&frame{phase: "list", began: p.began})
	if !c.bars {
		return p
	}
	p.bars = mpb.New(mpb.WithOutput(c.err), mpb.WithRefreshRate(100*time.Millisecond))
	name := func(decor.Statistics) string { return phases[p.frame.Load().phase] }
	p.bar = p.bars.New(0, // a bar that is made without a total does not end by itself when it is full
		mpb.BarStyle().Lbound("▕").Filler("█").Tip("█").Padding(" ").Rbound("▏"),
		mpb.PrependDecorators(decor.Any(name, decor.WC{W: 14, C: decor.DindentRight})),
		mpb.AppendDecorators(decor.Percentage(decor.WC{W: 5}), decor.Any(p.tail, decor.WC{W: 2})),
	)
	return p
}

// tail is what stands behind the bar.
func (p *progress) tail(s decor.Statistics) string {
	f := p.frame.Load()
	if f.phase != "map" {
		return ""
	}
	text := ""
	if f.records > 0 {
		text = fmt.Sprintf("%12s records", count(f.records))
	}
	if d := time.Since(f.began).Seconds(); d > 0.2 {
		text += fmt.Sprintf("%11s/s", size(int64(float64(s.Current)/d)))
	}
	return text
}

// update takes the engine's news.
func (p *progress) update(now etl.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if now.Phase != p.now.Phase || now.Done < p.now.Done/2 { // a phase that is done again; a little less is late news
		p.began = time.Now()
	}
	p.now = now
	if p.bars == nil {
		if time.Since(p.lineAt) >= lineEvery {
			p.lineAt = time.Now()
			p.line()
		}
		return
	}
	p.frame.Store(&frame{now.Phase, now.Records, p.began})
	p.bar.SetTotal(now.Total, false)
	p.bar.SetCurrent(now.Done)
}

// line tells of the progress in words.
func (p *progress) line() {
	n := p.now
	seconds := time.Since(p.began).Seconds()
	if p.c.logJSON {
		p.c.event("progress", "phase", n.Phase, "done", n.Done, "total", n.Total, "records", n.Records)
		return
	}
	text := phases[n.Phase]
	if n.Total > 0 {
		text += fmt.Sprintf(" %d %%", n.Done*100/n.Total)
	}
	if n.Phase == "map" {
		text += ", " + size(n.Done)
		if n.Total > 0 {
			text += " of " + size(n.Total)
		}
		if seconds > 0.2 { // else the phase has only begun, and the rate would say nothing
			text += fmt.Sprintf(", %s/s", size(int64(rate(float64(n.Done), seconds))))
		}
		if n.Records > 0 {
			text += fmt.Sprintf(", %s records", count(n.Records))
		}
	}
	p.c.say("%s\n", text)
}

// close takes the bar away. After it, nothing may be shown.
func (p *progress) close() {
	if p.bars != nil {
		p.bar.Abort(true)
		p.bars.Wait()
	}
}
