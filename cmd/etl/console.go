package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"golang.org/x/term"
)

// The values of --log-format.
const (
	logText = "text"
	logJSON = "json"
)

// console is where a command's output goes: one JSON object or a table to out, everything for people to err. With
// --log-format json, what goes to err is one JSON object a line.
type console struct {
	out, err io.Writer
	json     bool // --json
	quiet    bool // --quiet: errors and warnings only
	log      *slog.Logger
	logJSON  bool
	bars     bool // err is a terminal
	width    int  // columns of the terminal that tables go to; 0: as wide as they get
}

func newConsole(out, err io.Writer, jsonOut, quiet bool, format string) (*console, error) {
	c := &console{out: out, err: err, json: jsonOut, quiet: quiet}
	level := slog.LevelInfo
	if quiet {
		level = slog.LevelWarn
	}
	switch format {
	case logText:
	case logJSON:
		c.logJSON = true
	default:
		return nil, usage(fmt.Errorf("--log-format %s: text or json", format))
	}
	c.log = slog.New(slog.NewJSONHandler(err, &slog.HandlerOptions{Level: level}))
	_, c.bars = terminal(err)
	c.bars = c.bars && !quiet && !c.logJSON
	c.width, _ = terminal(out)
	return c, nil
}

// terminal tells whether w is a terminal, and how many columns it has.
func terminal(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return width, true
}

// say prints text for people. It is silent with --quiet, and with JSON logs, where event speaks.
func (c *console) say(format string, args ...any) {
	if !c.quiet && !c.logJSON {
		fmt.Fprintf(c.err, format, args...)
	}
}

// event logs what happened, where logs are JSON.
func (c *console) event(message string, attrs ...any) {
	if c.logJSON {
		c.log.Info(message, attrs...)
	}
}

// warn tells of something that people should see, also with --quiet.
func (c *console) warn(message string) {
	if c.logJSON {
		c.log.Warn(message)
		return
	}
	fmt.Fprintf(c.err, "warning: %s\n", message)
}

// fail tells why a command ended.
func (c *console) fail(err error) {
	if c.logJSON {
		c.log.Error(err.Error())
		return
	}
	fmt.Fprintf(c.err, "etl: %s\n", strings.TrimRight(err.Error(), "\n"))
}

// object writes v as the one JSON object of --json.
func (c *console) object(v any) error {
	e := json.NewEncoder(c.out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("write output: %w", err)
	}
	return nil
}
