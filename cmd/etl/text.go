package main

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"datalake/cmd/etl/screen"
)

// column is one column of a printed table.
type column struct {
	name  string
	right bool // aligned to the right, as numbers are
	cut   int  // the widest a value may be; 0: any
	// attention colours values that are neither 0 nor nothing.
	attention paint
}

const gap = "  "

// printTable writes rows below a heading, each column as wide as its widest value. Nothing is written after the last value
// of a line.
func printTable(w io.Writer, indent string, columns []column, rows [][]string) error {
	widths := widths(columns, rows)
	b := bufio.NewWriter(w)
	line := func(cell func(i int) string, heading bool) {
		var s strings.Builder
		s.WriteString(indent)
		for i, c := range columns {
			if i > 0 {
				s.WriteString(gap)
			}
			text := clip(cell(i), c.cut)
			pad := strings.Repeat(" ", widths[i]-screen.Width(text))
			if !heading && text != "0" {
				text = c.attention.attention(text)
			}
			if c.right {
				s.WriteString(pad + text)
			} else {
				s.WriteString(text + pad)
			}
		}
		b.WriteString(strings.TrimRight(s.String(), " "))
		b.WriteByte('\n')
	}
	line(func(i int) string { return columns[i].name }, true)
	for _, row := range rows {
		line(func(i int) string { return row[i] }, false)
	}
	return b.Flush()
}

// printFitting is printTable where the table fits into width (0: any does); else each row becomes a block, its first value above
// the others, which have the columns' names before them.
func printFitting(w io.Writer, indent string, columns []column, rows [][]string, width int) error {
	total := len(indent) + len(gap)*(len(columns)-1)
	for _, n := range widths(columns, rows) {
		total += n
	}
	if width == 0 || total <= width {
		return printTable(w, indent, columns, rows)
	}
	names := 0
	for _, c := range columns[1:] {
		names = max(names, screen.Width(c.name))
	}
	p := &printer{w: w}
	for _, row := range rows {
		p.printf("%s%s\n", indent, clip(row[0], width-len(indent)))
		for i, c := range columns[1:] {
			text := clip(row[i+1], max(8, width-len(indent)-2*len(gap)-names))
			if text == "" {
				continue
			}
			if text != "0" {
				text = c.attention.attention(text)
			}
			p.printf("%s%s%s%s%s%s\n", indent, gap, c.name, strings.Repeat(" ", names-screen.Width(c.name)), gap, text)
		}
	}
	return p.err
}

func widths(columns []column, rows [][]string) []int {
	widths := make([]int, len(columns))
	for i, c := range columns {
		widths[i] = screen.Width(clip(c.name, c.cut))
		for _, row := range rows {
			widths[i] = max(widths[i], screen.Width(clip(row[i], c.cut)))
		}
	}
	return widths
}

// clip makes a text one line of printable characters, at most width columns wide.
func clip(s string, width int) string {
	s = strings.Map(func(r rune) rune {
		switch {
		case r == '\n' || r == '\t' || r == '\r':
			return ' '
		case r < 0x20 || r == 0x7f || r >= 0x80 && r < 0xa0 || r == 0x2028 || r == 0x2029 || r == 0x061c || r == 0x200e || r == 0x200f || r >= 0x202a && r <= 0x202e || r >= 0x2066 && r <= 0x2069:
			return '�' // control characters, and those that turn the direction of what follows
		}
		return r
	}, s)
	if width > 0 && screen.Width(s) > width {
		return screen.Cut(s, width-1) + "…"
	}
	return s
}

// count writes a number with commas: 1,234,567.
func count[T ~int | ~int64 | ~uint64](n T) string {
	s := strconv.FormatInt(int64(n), 10)
	sign := ""
	if s[0] == '-' {
		sign, s = "-", s[1:]
	}
	for i := len(s) - 3; i > 0; i -= 3 {
		s = s[:i] + "," + s[i:]
	}
	return sign + s
}

// plural writes a number with its noun: 1 file, 2 files.
func plural[T ~int | ~int64 | ~uint64](n T, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return count(n) + " " + many
}

// size writes a number of bytes in decimal units: 12.3 MB.
func size(n int64) string {
	units := []string{"B", "kB", "MB", "GB", "TB", "PB"}
	f, u := float64(n), 0
	for f >= 999.95 && u < len(units)-1 {
		f /= 1000
		u++
	}
	if u == 0 {
		return fmt.Sprintf("%d B", n)
	}
	return fmt.Sprintf("%.1f %s", f, units[u])
}

// rate writes n per second, where seconds is long enough to tell.
func rate(n float64, seconds float64) float64 {
	if seconds <= 0 {
		return 0
	}
	return n / seconds
}

// duration writes seconds with three digits that matter.
func duration(d time.Duration) string {
	s := d.Seconds()
	switch {
	case s < 1:
		return fmt.Sprintf("%d ms", int(math.Round(s*1000)))
	case s < 10:
		return fmt.Sprintf("%.2f s", s)
	case s < 120:
		return fmt.Sprintf("%.1f s", s)
	}
	return d.Round(time.Second).String()
}

// parseSize reads a number of bytes: 1073741824, 512MiB, 1.5GiB, 2GB. Units need no B.
func parseSize(s string) (int64, error) {
	units := map[string]float64{
		"": 1, "b": 1, "k": 1e3, "kb": 1e3, "m": 1e6, "mb": 1e6, "g": 1e9, "gb": 1e9, "t": 1e12, "tb": 1e12,
		"ki": 1 << 10, "kib": 1 << 10, "mi": 1 << 20, "mib": 1 << 20, "gi": 1 << 30, "gib": 1 << 30, "ti": 1 << 40, "tib": 1 << 40,
	}
	digits := strings.TrimRight(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ ")
	unit, ok := units[strings.ToLower(strings.TrimSpace(s[len(digits):]))]
	f, err := strconv.ParseFloat(digits, 64)
	if err != nil || !ok || f <= 0 || f*unit > 1<<60 {
		return 0, fmt.Errorf("%q is no size; write 512MiB, 1.5GiB or a number of bytes", s)
	}
	return int64(f * unit), nil
}

// shellQuote writes an argument so that a shell reads it back.
func shellQuote(s string) string {
	if s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-./=:@%+,") == "" {
		return s
	}
	return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'"
}

// program is how the user can start this program again: by the command that built it, where its file is a passing one.
func program(executable string) string {
	if strings.Contains(executable, string(filepath.Separator)+"go-build") {
		return "go run ./cmd/etl"
	}
	return "etl"
}

// printer prints until something fails, and keeps the error.
type printer struct {
	w   io.Writer
	err error
}

func (p *printer) printf(format string, args ...any) {
	if p.err == nil {
		_, p.err = fmt.Fprintf(p.w, format, args...)
	}
}
