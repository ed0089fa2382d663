package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"time"
)

// measured is what one run took.
type measured struct {
	wall, cpu time.Duration // cpu: user and system
	rss       int64         // peak, bytes
}

// measure runs a command to its end. failed says why it gave nothing.
//
// The peak is that of the process or of a child that it waited for, whichever is larger, not of both together: Spark's is the
// JVM's. At least it is this command's own, which the system carries over to a process that it starts: some 20 MB.
func measure(ctx context.Context, c *exec.Cmd, timeout time.Duration) (m measured, failed string) {
	var text bytes.Buffer
	c.Stdout, c.Stderr = &text, &text
	late := time.AfterFunc(timeout, func() { _ = c.Process.Kill() })
	late.Stop()
	began := time.Now()
	if err := c.Start(); err != nil {
		return m, err.Error()
	}
	late.Reset(timeout)
	err := c.Wait()
	m.wall = time.Since(began)
	if !late.Stop() && ctx.Err() == nil && err != nil {
		return m, fmt.Sprintf("not done after %s", timeout)
	}
	if err != nil {
		return m, lastLine(text.String(), err)
	}
	m.cpu = c.ProcessState.UserTime() + c.ProcessState.SystemTime()
	if u, ok := c.ProcessState.SysUsage().(*syscall.Rusage); ok {
		m.rss = int64(u.Maxrss)
		if runtime.GOOS != "darwin" {
			m.rss <<= 10
		}
	}
	return m, ""
}

// lastLine is the last line of a program's output that says something, for a table; err's text where there is none.
func lastLine(text string, err error) string {
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

// sizeOf adds up the Parquet files below a folder.
func sizeOf(dir string) (size int64, files int, err error) {
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
