// Package process runs programs as whole processes and tells what they took, for the commands that compare them. It knows how
// the engine is built, and how a machine is described beside figures. It is no part of the product.
package process

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"

	"datalake/benchmarks/data"
)

// Command is exec.Command that is killed when ctx is done.
func Command(ctx context.Context, name string, args ...string) *exec.Cmd {
	c := exec.CommandContext(ctx, name, args...)
	c.WaitDelay = 10 * time.Second
	return c
}

// Build builds the engine's command into the file name.
func Build(ctx context.Context, name string) error {
	if text, err := Command(ctx, "go", "build", "-o", name, "datalake/cmd/etl").CombinedOutput(); err != nil {
		return fmt.Errorf("build the engine: %w: %s", err, text)
	}
	return nil
}

// Cost is what one run took.
type Cost struct {
	Wall, CPU time.Duration // CPU: user and system
	RSS       int64         // peak, bytes
}

// Measure runs a command to its end. failed says why it gave nothing. Set Stdout and Stderr to have what it prints; what goes nowhere
// is where a reason for its failure is looked for.
//
// The peak is that of the process or of a child that it waited for, whichever is larger, not of both together: Spark's is the
// JVM's. At least it is this command's own, which the system carries over to a process that it starts: some 20 MB.
func Measure(ctx context.Context, c *exec.Cmd, timeout time.Duration) (m Cost, failed string) {
	var text bytes.Buffer
	for _, out := range []*io.Writer{&c.Stdout, &c.Stderr} {
		if *out == nil {
			*out = &text
		}
	}
	late := time.AfterFunc(timeout, func() { _ = c.Process.Kill() })
	late.Stop()
	began := time.Now()
	if err := c.Start(); err != nil {
		return m, err.Error()
	}
	late.Reset(timeout)
	err := c.Wait()
	m.Wall = time.Since(began)
	if !late.Stop() && ctx.Err() == nil && err != nil {
		return m, fmt.Sprintf("not done after %s", timeout)
	}
	if err != nil {
		return m, LastLine(text.String(), err)
	}
	m.CPU = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.RSS = int64(u.Maxrss)
		if runtime.GOOS != "darwin" {
			m.RSS <<= 10
		}
	}
	return m, ""
}

// LastLine is the last line of a program's output that says something, for a table; err's text where there is none.
func LastLine(text string, err error) string {
	lines := strings.Split(strings.TrimSpace(text), "\n")
	// An exception's message may have more lines; the first of them names it.
	for i := len(lines) - 1; i >= 0; i-- {
		if l := strings.TrimSpace(lines[i]); strings.Contains(l, "Error") || strings.Contains(l, "Exception") {
			return shorten(l)
		}
	}
	if l := strings.TrimSpace(lines[len(lines)-1]); l != "" {
		return shorten(l)
	}
	return err.Error()
}

func shorten(s string) string {
	const most = 160
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}

// SizeOf adds up the Parquet files below a folder.
func SizeOf(dir string) (size int64, files int, err error) {
	err = filepath.WalkDir(dir, func(p string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(p) != ".parquet" {
			return err
		}
		info, err := d.Info()
		if err == nil {
			size += info.Size()
			files++
		}
		return err
	})
	if err == nil && files == 0 {
		err = errors.New("no Parquet files in " + dir)
	}
	return size, files, err
}

// WriteData writes a set to a file, and waits until it is on disk.
func WriteData(set *data.Set, name string) (n int64, err error) {
	f, err := os.Create(name)
	if err != nil {
		return 0, err
	}
	defer func() { err = errors.Join(err, f.Close()) }()
	if n, err = set.Write(f); err != nil {
		return n, err
	}
	// Else the first engine's time has the system's write-back in it.
	return n, f.Sync()
}
