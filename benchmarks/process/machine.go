package process

import (
	"bufio"
	"fmt"
	"os"
	"runtime"
	"strings"
	"time"
)

// Threads is how many cores each engine is told to use.
func Threads() int { return runtime.GOMAXPROCS(0) }

// Grouped writes a number with commas.
func Grouped(n int) string {
	s := fmt.Sprint(n)
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return s
}

// Machine says what this runs on, as far as the system tells.
func Machine() string {
	s := fmt.Sprintf("%s, %d cores", field("/proc/cpuinfo", "model name"), Threads())
	var kb int64
	if _, err := fmt.Sscanf(field("/proc/meminfo", "MemTotal"), "%d kB", &kb); err == nil {
		s += fmt.Sprintf(", %.0f GiB", float64(kb)/(1<<20))
	}
	return s + fmt.Sprintf(", %s/%s, %s, %s", runtime.GOOS, runtime.GOARCH, runtime.Version(), time.Now().UTC().Format(time.DateOnly))
}

// field is the value of the first line of a file that reads "name: value".
func field(file, name string) string {
	f, err := os.Open(file)
	if err != nil {
		return "unknown"
	}
	defer f.Close()
	for s := bufio.NewScanner(f); s.Scan(); {
		if k, v, ok := strings.Cut(s.Text(), ":"); ok && strings.TrimSpace(k) == name {
			return strings.TrimSpace(v)
		}
	}
	return "unknown"
}

// Load is the system's load of the last minute. In a quiet system it is what the run before has left of itself, at most the
// number of cores; more than that is the work of others. 0 where the system does not tell.
func Load() (of float64) {
	text, err := os.ReadFile("/proc/loadavg")
	if err == nil {
		_, _ = fmt.Sscan(string(text), &of)
	}
	return of
}
