// Package spell finds the word that somebody may have meant. It knows no words of its own.
package spell

import "strings"

// Nearest gives the word of known, all in small letters, that is most like s, empty if none is much like it: a third of its
// letters may differ, and one always, but nothing is like a single letter. Of words that are equally near the first is taken.
func Nearest(s string, known []string) string {
	if len(s) < 2 {
		return ""
	}
	best, least := "", max(1, len(s)/3)
	for _, k := range known {
		if d := distance(strings.ToLower(s), k); d < least || d == least && best == "" {
			best, least = k, d
		}
	}
	return best
}

// distance counts the letters to put in, take out, replace or swap with a neighbour that make b of a.
func distance(a, b string) int {
	rows := [3][]int{}
	for i := range rows {
		rows[i] = make([]int, len(b)+1)
	}
	for j := range rows[1] {
		rows[1][j] = j
	}
	for i := 1; i <= len(a); i++ {
		before, last, row := rows[0], rows[1], rows[2]
		row[0] = i
		for j := 1; j <= len(b); j++ {
			cost := 1
			if a[i-1] == b[j-1] {
				cost = 0
			}
			row[j] = min(last[j]+1, row[j-1]+1, last[j-1]+cost)
			if i > 1 && j > 1 && a[i-1] == b[j-2] && a[i-2] == b[j-1] {
				row[j] = min(row[j], before[j-2]+1)
			}
		}
		rows[0], rows[1], rows[2] = last, row, before
	}
	return rows[1][len(b)]
}
