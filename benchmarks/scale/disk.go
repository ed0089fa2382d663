package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"

	"datalake/benchmarks/data"
	"datalake/benchmarks/process"
)

// fullDisk: runs whose disk is full, or cannot be written to, say so and leave the lake as it was: all files are the same, but for
// the notes of the attempt that failed, which no reader looks at and gc deletes. A run with room then does all of it.
//
// Small disks are file systems in memory, in a name space of their own, which a system may forbid; a limit on the size of files works
// everywhere, but fails with another error than a full disk.
func fullDisk(ctx context.Context, b *bench) ([]line, error) {
	l, err := b.oneFile("disk", data.Options{Kind: data.Distinct, Records: b.sized(1_400_000, 60_000)})
	if err != nil {
		return nil, err
	}
	tmp := b.path("tmp")
	if err := os.Mkdir(tmp, 0o777); err != nil {
		return nil, err
	}
	plain := b.path("file")
	if err := os.WriteFile(plain, nil, 0o666); err != nil {
		return nil, err
	}
	run := fmt.Sprintf("exec '%s' run --lake '%s' --quiet --memory 64MiB --tmp ", b.engine(), l.dir)
	mount := fmt.Sprintf("mount -t tmpfs -o size=1m%%s none '%s' && ", tmp)
	var lines []line
	for _, c := range []struct {
		what, script string
		mounts       bool
		errors       []string // one of them is said
	}{
		{"temporary folder on a full disk", fmt.Sprintf(mount, "") + run + tmp, true, []string{"no space left on device"}},
		{"temporary folder that is read-only", fmt.Sprintf(mount, ",ro") + run + tmp, true, []string{"read-only file system"}},
		{"temporary folder that is a file", run + plain, false, []string{"not a directory"}},
		{"temporary folder that is not there", run + b.path("none"), false, []string{"no such file or directory"}},
		{"files limited to 256 KiB", "ulimit -f 512; " + run + tmp, false, []string{"file too large"}},
	} {
		got, err := b.fails(ctx, l, c.script, c.mounts, c.errors)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", c.what, err)
		}
		got.what = c.what
		lines = append(lines, got)
	}
	// best clears the lake, which must have been clear.
	out, err := b.etl(ctx, l)
	if err != nil {
		return nil, err
	}
	return append(lines, judge("the next run, with room", fmt.Sprintf("%d records out", out.RecordsOut), fmt.Sprint(l.rows), true, out.RecordsOut == int64(l.rows))), nil
}

// fails runs a script in which the engine is to fail, and looks at what it says and leaves behind.
func (b *bench) fails(ctx context.Context, l *lake, script string, mounts bool, says []string) (line, error) {
	want := "an error that says " + strings.Join(says, " or ") + "; the lake untouched"
	name, args := "sh", []string{"-c", script}
	if mounts {
		if why := noMounts(ctx); why != "" {
			return line{got: "left out: " + why, want: want, verdict: unjudged}, nil
		}
		name, args = "unshare", append([]string{"--user", "--map-root-user", "--mount", "sh"}, args...)
	}
	before, err := l.digests(false)
	if err != nil {
		return line{}, err
	}
	if len(before) == 0 {
		return line{}, errors.New("the lake has no files")
	}
	c := process.Command(ctx, name, args...)
	var text bytes.Buffer
	c.Stdout, c.Stderr = &text, &text
	_, failure := b.measure(ctx, c)
	after, err := l.digests(false)
	if err != nil {
		return line{}, err
	}
	said := strings.TrimSpace(text.String())
	fmt.Fprintf(b.log, "  %s\n", said)
	clear := false
	for _, s := range says {
		clear = clear || strings.Contains(said, s)
	}
	file, untouched := same(before, after)
	got := shorten(strings.ReplaceAll(said, b.path(), "…"))
	switch {
	case failure == nil:
		got = "the run did not fail"
	case c.ProcessState.ExitCode() != 1 || strings.Contains(said, "goroutine "):
		clear, got = false, fmt.Sprintf("%v: %s", failure, got)
	case !untouched:
		got = "changed: " + file
	}
	return judge("", got, want, true, failure != nil && clear && untouched), nil
}

// noMounts says why a process cannot have file systems of its own here.
func noMounts(ctx context.Context) string {
	text, err := exec.CommandContext(ctx, "unshare", "--user", "--map-root-user", "--mount", "sh", "-c", "mount -t tmpfs none /tmp").CombinedOutput()
	if err != nil {
		return process.LastLine(string(text), err)
	}
	return ""
}

func shorten(s string) string {
	const most = 200
	if r := []rune(s); len(r) > most {
		return string(r[:most]) + "…"
	}
	return s
}
