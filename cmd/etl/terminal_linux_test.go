package main

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"

	"github.com/rogpeppe/go-internal/testscript"
	"golang.org/x/sys/unix"
)

func init() { scriptCommands["terminal"] = onTerminal }

// onTerminal runs etl with stdout and stderr on a terminal of so many columns: terminal COLUMNS CODE ARGS…. What it shows is in
// the file "screen" afterwards.
func onTerminal(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: terminal COLUMNS CODE ARGS…")
	}
	columns, err := strconv.Atoi(args[0])
	ts.Check(err)
	ours, theirs, err := pty(uint16(columns))
	ts.Check(err)
	defer ours.Close()
	dir, _, _ := strings.Cut(ts.Getenv("PATH"), string(os.PathListSeparator))
	c := exec.Command(filepath.Join(dir, "etl"), args[2:]...)
	c.Dir, c.Stdout, c.Stderr = ts.MkAbs("."), theirs, theirs
	for _, name := range []string{"PATH", "TERM", "NO_COLOR", "COLUMNS"} {
		c.Env = append(c.Env, name+"="+ts.Getenv(name))
	}
	ts.Check(c.Start())
	ts.Check(theirs.Close())
	var shown bytes.Buffer
	_, err = io.Copy(&shown, ours) // ends with EIO when the last of theirs is closed
	if err != nil && !errors.Is(err, unix.EIO) {
		ts.Check(err)
	}
	var exit *exec.ExitError
	code := 0
	if err := c.Wait(); errors.As(err, &exit) {
		code = exit.ExitCode()
	} else {
		ts.Check(err)
	}
	text := strings.ReplaceAll(shown.String(), "\r\n", "\n")
	ts.Logf("%s", strings.ReplaceAll(text, "\x1b", "␛"))
	ts.Check(os.WriteFile(ts.MkAbs("screen"), []byte(text), 0o666))
	if fmt.Sprint(code) != args[1] {
		ts.Fatalf("exit code %d, want %s", code, args[1])
	}
}

// pty makes a pseudo-terminal: ours to read, theirs to write.
func pty(columns uint16) (ours, theirs *os.File, err error) {
	ours, err = os.OpenFile("/dev/ptmx", os.O_RDWR|unix.O_NOCTTY, 0)
	if err != nil {
		return nil, nil, err
	}
	fd := int(ours.Fd())
	n, err := unix.IoctlGetInt(fd, unix.TIOCGPTN)
	if err == nil {
		err = unix.IoctlSetPointerInt(fd, unix.TIOCSPTLCK, 0)
	}
	if err == nil {
		err = unix.IoctlSetWinsize(fd, unix.TIOCSWINSZ, &unix.Winsize{Row: 50, Col: columns})
	}
	if err == nil {
		theirs, err = os.OpenFile(fmt.Sprintf("/dev/pts/%d", n), os.O_RDWR|unix.O_NOCTTY, 0)
	}
	if err != nil {
		return nil, nil, errors.Join(err, ours.Close())
	}
	return ours, theirs, nil
}
