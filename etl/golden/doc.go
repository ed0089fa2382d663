// Package golden holds the engine's end-to-end tests: plain-text cases under testdata/golden (its README says how they
// are written), and a naive reference implementation that random records must agree with, row for row. It has no code
// outside of tests.
package golden
