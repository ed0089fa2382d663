package process

import (
	"errors"
	"os/exec"
	"strings"
	"testing"
	"time"
)

func TestMeasure(t *testing.T) {
	m, failed := Measure(t.Context(), exec.Command("sleep", "0.05"), time.Minute)
	if failed != "" || m.Wall < 50*time.Millisecond || m.RSS <= 0 {
		t.Errorf("%+v, %q", m, failed)
	}
	if _, failed = Measure(t.Context(), exec.Command("sleep", "20"), 50*time.Millisecond); !strings.Contains(failed, "not done") {
		t.Errorf("a run without end: %q", failed)
	}
	if _, failed = Measure(t.Context(), exec.Command("sh", "-c", "echo 'x.OutOfMemoryError: no more'; echo; echo hint; exit 3"), time.Minute); failed != "x.OutOfMemoryError: no more" {
		t.Errorf("a run that fails: %q", failed)
	}
	if got := LastLine("", errors.New("exit status 1")); got != "exit status 1" {
		t.Errorf("no output: %q", got)
	}
}
