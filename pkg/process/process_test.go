package process_test

import (
	"runtime"
	"testing"
	"time"

	"datalake/pkg/process"
)

func TestPeakMemory(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("only Linux and macOS are known to tell")
	}
	before := process.PeakMemory()
	big := make([]byte, 64<<20)
	for i := range big {
		big[i] = 1
	}
	if after := process.PeakMemory(); before < 1<<20 || after < 64<<20 {
		t.Errorf("peak %d bytes before, %d after 64 MiB were touched", before, after)
	}
	runtime.KeepAlive(big)
}

func TestMemory(t *testing.T) {
	if runtime.GOOS != "linux" {
		t.Skip("only Linux is known to tell")
	}
	before := process.Memory()
	big := make([]byte, 64<<20)
	for i := range big {
		big[i] = 1
	}
	if after := process.Memory(); before < 1<<20 || after < before+32<<20 {
		t.Errorf("%d bytes resident before, %d after 64 MiB were touched", before, after)
	}
	runtime.KeepAlive(big)
}

func TestCPU(t *testing.T) {
	if runtime.GOOS != "linux" && runtime.GOOS != "darwin" {
		t.Skip("only Linux and macOS are known to tell")
	}
	began, wall, sum := process.CPU(), time.Now(), 0
	for time.Since(wall) < 50*time.Millisecond {
		sum++
	}
	if spent := process.CPU() - began; spent <= 0 || spent > time.Duration(runtime.NumCPU()+1)*time.Since(wall) {
		t.Errorf("%v of CPU in %v and %d rounds", spent, time.Since(wall), sum)
	}
}
