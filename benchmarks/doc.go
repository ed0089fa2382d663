// Package benchmarks measures the engine. Its tests are Go benchmarks of the stages (read, decode, clean, resolve, write) and of whole runs:
//
//	go test -bench . ./benchmarks
//
// They take some 50 MB of clean and of dirty data, made by benchmarks/data; 4 MB with -short. Below are commands: gen writes the same
// data to files, peers runs the whole job in other engines too, scale measures whole processes on much more data, table makes Markdown of
// benchmarks' output. docs/benchmarks.md has the figures.
package benchmarks
