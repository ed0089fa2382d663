package process

import (
	"flag"
	"fmt"
	"slices"
	"strings"
)

// Only is the flag -only: which of the known things to do, by comma. None chosen are all; so are nil's.
type Only struct{ known, chosen []string }

var _ flag.Value = (*Only)(nil)

// NewOnly knows these names.
func NewOnly(known []string) *Only { return &Only{known: known} }

// Usage is the flag's help; what is what the names name.
func (o *Only) Usage(what string) string { return what + ", by comma: " + strings.Join(o.known, ", ") }

// Has says whether a known name is to be done.
func (o *Only) Has(name string) bool {
	return o == nil || len(o.chosen) == 0 || slices.Contains(o.chosen, name)
}

// Set reads the flag's value.
func (o *Only) Set(value string) error {
	for name := range strings.SplitSeq(value, ",") {
		if name = strings.TrimSpace(name); name == "" {
			continue
		}
		if !slices.Contains(o.known, name) {
			return fmt.Errorf("%s: known are %s", name, strings.Join(o.known, ", "))
		}
		o.chosen = append(o.chosen, name)
	}
	return nil
}

func (o *Only) String() string { return strings.Join(o.chosen, ",") }
