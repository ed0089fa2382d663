//go:build race

package main

// slower is how much slower the race detector makes a start.
const slower = 20
