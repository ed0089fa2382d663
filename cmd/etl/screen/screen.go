// Package screen knows how wide text is where people see it, and breaks it to fit. A column is the width of a Latin letter: East
// Asian characters and emoji take two, accents that combine with a letter none. It writes nothing and asks no terminal.
package screen

import (
	"strings"

	"github.com/rivo/uniseg"
)

// Width is how many columns a text of one line takes.
func Width(s string) int { return uniseg.StringWidth(s) }

// Cut is the beginning of a text that is at most width columns wide. What is seen as one character stays whole: letters with
// their accents, emoji of several parts.
func Cut(s string, width int) string {
	end, state := 0, -1
	for rest := s; rest != ""; {
		var cluster string
		var w int
		cluster, rest, w, state = uniseg.FirstGraphemeClusterInString(rest, state)
		if width -= w; width < 0 {
			break
		}
		end += len(cluster)
	}
	return s[:end]
}

// Wrap breaks lines between words so that none is wider than width, where words allow it. What is broken off is indented
// as its line was.
func Wrap(text string, width int) string {
	var b strings.Builder
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\n")
		if Width(body) <= width {
			b.WriteString(line)
			continue
		}
		words := strings.Fields(body)
		indent := body[:len(body)-len(strings.TrimLeft(body, " "))]
		at := 0
		for i, word := range words {
			w := Width(word)
			switch {
			case i == 0:
				b.WriteString(indent)
				at = len(indent)
			case at+1+w > width:
				b.WriteString("\n" + indent)
				at = len(indent)
			default:
				b.WriteByte(' ')
				at++
			}
			b.WriteString(word)
			at += w
		}
		b.WriteString(line[len(body):])
	}
	return b.String()
}

// Reflow joins the lines of each paragraph and breaks them anew. Lines that begin with a space stay lines.
func Reflow(text string, width int) string {
	var b strings.Builder
	joined := false
	for line := range strings.Lines(text) {
		body := strings.TrimRight(line, "\n")
		kept := body == "" || body[0] == ' '
		switch {
		case joined && kept:
			b.WriteByte('\n')
		case joined:
			b.WriteByte(' ')
		}
		b.WriteString(body)
		if joined = !kept; kept {
			b.WriteByte('\n')
		}
	}
	if joined && strings.HasSuffix(text, "\n") {
		b.WriteByte('\n')
	}
	return Wrap(b.String(), width)
}
