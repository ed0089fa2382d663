package process_test

import (
	"runtime"
	"testing"

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
