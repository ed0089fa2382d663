package main

import (
	"os/exec"
	"testing"
	"time"
)

// startLimit is how much CPU time the program may take before a command begins: what stands in scripts and prompts is called often.
const startLimit = 10 * time.Millisecond

// start runs etl version and gives the CPU time that it took.
func start(tb testing.TB) time.Duration {
	c := exec.Command("etl", "version") // found by what testscript.Main put into PATH
	if out, err := c.CombinedOutput(); err != nil {
		tb.Fatalf("%v: %s", err, out)
	}
	return c.ProcessState.UserTime() + c.ProcessState.SystemTime()
}

// TestStart: no package does work when it is only linked. The least of many starts is taken, for the machine has other work.
func TestStart(t *testing.T) {
	least := time.Hour
	for range 20 {
		least = min(least, start(t))
	}
	if limit := startLimit * slower; least > limit {
		t.Errorf("etl version takes %v of CPU time, at most %v is wanted; GODEBUG=inittrace=1 etl version tells where it goes", least, limit)
	}
}

func BenchmarkStart(b *testing.B) {
	var cpu time.Duration
	for b.Loop() {
		cpu += start(b)
	}
	b.ReportMetric(float64(cpu.Microseconds())/1000/float64(b.N), "cpu-ms/op")
}
