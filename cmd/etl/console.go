package main

import (
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"os"
	"strconv"
	"strings"

	"golang.org/x/term"

	"datalake/cmd/etl/screen"
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
	bars     bool // progress bars: err is a terminal that can move its cursor
	width    int  // columns of the terminal that tables go to; 0: as wide as they get
	paint    paint
	paintOut paint
}

// paint colours what needs attention, and nothing else; false: nothing at all.
type paint bool

// alarm is red: what failed or is wrong. attention is yellow: what people should look at.
func (p paint) alarm(s string) string     { return p.colour("31", s) }
func (p paint) attention(s string) string { return p.colour("33", s) }

func (p paint) colour(code, s string) string {
	if !p || s == "" {
		return s
	}
	return "\x1b[" + code + "m" + s + "\x1b[0m"
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
	c.look()
	c.bars = c.bars && !quiet && !c.logJSON
	return c, nil
}

// look finds out what out and err can show. Colours need a terminal that is not dumb, and no NO_COLOR (https://no-color.org).
func (c *console) look() {
	dumb := os.Getenv("TERM") == "dumb"
	coloured := !dumb && os.Getenv("NO_COLOR") == ""
	_, ok := terminal(c.err)
	c.bars, c.paint = ok && !dumb, paint(ok && coloured && !c.logJSON)
	c.width, ok = terminal(c.out)
	c.paintOut = paint(ok && coloured)
}

// terminal tells whether w is a terminal, and how many columns it has; COLUMNS says otherwise where it is set.
func terminal(w io.Writer) (width int, ok bool) {
	f, ok := w.(*os.File)
	if !ok || !term.IsTerminal(int(f.Fd())) {
		return 0, false
	}
	if n, err := strconv.Atoi(os.Getenv("COLUMNS")); err == nil && n >= 20 {
		return n, true
	}
	width, _, err := term.GetSize(int(f.Fd()))
	if err != nil || width < 20 {
		width = 80
	}
	return width, true
}

// pageWidth is how wide text for people gets.
const pageWidth = 80

// page is how wide text for people gets on w: pageWidth, or what a narrower terminal has.
func page(w io.Writer) int {
	if width, ok := terminal(w); ok {
		return min(width, pageWidth)
	}
	return pageWidth
}

// lineWidth is where sentences break on w: at a narrow terminal's edge, else nowhere.
func lineWidth(w io.Writer) int {
	if width := page(w); width < pageWidth {
		return width
	}
	return math.MaxInt
}

// say prints text for people, broken between words where the terminal is narrow. It is silent with --quiet, and with JSON logs, where event speaks.
func (c *console) say(format string, args ...any) {
	if !c.quiet && !c.logJSON {
		fmt.Fprint(c.err, screen.Wrap(fmt.Sprintf(format, args...), lineWidth(c.err)))
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
	fmt.Fprintf(c.err, "%s %s\n", c.paint.attention("warning:"), message)
}

// fail tells why a command ended.
func (c *console) fail(err error) {
	if c.logJSON {
		c.log.Error(err.Error())
		return
	}
	fmt.Fprintf(c.err, "%s %s\n", c.paint.alarm("etl:"), strings.TrimRight(err.Error(), "\n"))
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
