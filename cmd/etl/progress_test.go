package main

import (
	"bytes"
	"io"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"datalake/etl"
)

// syncBuffer is written by the goroutine that draws.
type syncBuffer struct {
	mu sync.Mutex
	bytes.Buffer
}

func (b *syncBuffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.Buffer.Write(p)
}

func phasesOfARun(p *progress) {
	p.update(etl.Progress{Phase: "list"})
	for _, phase := range []string{"map", "map", "resolve", "write", "publish"} {
		for done := int64(0); done <= 10; done++ {
			p.update(etl.Progress{Phase: phase, Done: done * 1e6, Total: 10e6, Records: done * 1000})
		}
	}
	p.update(etl.Progress{Phase: "a phase that is not known", Done: 3, Total: 2})
}

// TestBarEnds: however a run goes, the bar goes away and its goroutines with it.
func TestBarEnds(t *testing.T) {
	defer goleak.VerifyNone(t)
	for _, update := range []func(*progress){func(*progress) {}, phasesOfARun} {
		p := newProgress(&console{err: &syncBuffer{}, bars: true})
		update(p)
		done := make(chan struct{})
		go func() { p.close(); close(done) }()
		select {
		case <-done:
		case <-time.After(5 * time.Second):
			t.Fatal("the bar does not end")
		}
	}
}

func TestLines(t *testing.T) {
	var out syncBuffer
	c, err := newConsole(&bytes.Buffer{}, &out, false, false, logText)
	if err != nil {
		t.Fatal(err)
	}
	p := newProgress(c)
	phasesOfARun(p)
	if out.Len() > 0 {
		t.Errorf("a short run tells of its progress: %s", out.String())
	}
	p.lineAt = p.lineAt.Add(-lineEvery)
	p.began = p.began.Add(-10 * time.Second)
	p.now = etl.Progress{Phase: "map", Done: 9e6}
	p.update(etl.Progress{Phase: "map", Done: 10e6, Total: 40e6, Records: 12345})
	if want := "reading 25 %, 10.0 MB of 40.0 MB, "; !strings.HasPrefix(out.String(), want) || !strings.HasSuffix(out.String(), "/s, 12,345 records\n") {
		t.Errorf("line %q, want %q…", out.String(), want)
	}
	p.close()
}

func TestJSONLines(t *testing.T) {
	var out syncBuffer
	c, err := newConsole(&bytes.Buffer{}, &out, false, false, logJSON)
	if err != nil {
		t.Fatal(err)
	}
	p := newProgress(c)
	p.lineAt = p.lineAt.Add(-lineEvery)
	p.update(etl.Progress{Phase: "write", Done: 1, Total: 4})
	if !strings.Contains(out.String(), `"msg":"progress","phase":"write","done":1,"total":4`) {
		t.Errorf("line %s", out.String())
	}
}

// Where the total is not known, none is told.
func TestProgressWithoutTotal(t *testing.T) {
	var out bytes.Buffer
	c, err := newConsole(io.Discard, &out, false, false, logText)
	if err != nil {
		t.Fatal(err)
	}
	p := newProgress(c)
	p.lineAt = p.lineAt.Add(-lineEvery)
	p.update(etl.Progress{Phase: "map", Done: 5e6, Records: 7})
	p.close()
	if got := out.String(); !strings.HasPrefix(got, "reading, 5.0 MB, ") || strings.Contains(got, "%") {
		t.Errorf("it says %q", got)
	}
}
