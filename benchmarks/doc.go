// Package benchmarks measures the engine. Its tests are Go benchmarks of decode, resolve, write and whole runs:
//
//	go test -bench . ./benchmarks
//
// They take some 50 MB of clean and of dirty data, made by benchmarks/data; 4 MB with -short. The folder gen is a command that writes the same
// data to files, the folder peers one that runs the whole job in other engines too. docs/benchmarks.md has the figures.
package benchmarks
