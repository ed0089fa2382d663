// Package profile has the flags of those who ask why a command is slow, and writes the profiles that they ask for.
package profile

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"

	"github.com/spf13/pflag"
)

// Flags are the names of the files to write; empty: none.
type Flags struct {
	cpu, trace string
}

// Add makes them flags of f.
func (p *Flags) Add(f *pflag.FlagSet) {
	f.StringVar(&p.cpu, "cpuprofile", "", "write a CPU profile to this `file`, for go tool pprof")
	f.StringVar(&p.trace, "trace", "", "write an execution trace to this `file`, for go tool trace")
}

// Start begins what the flags ask for; stop ends it and closes the files. Its errors are of files that cannot be made.
func (p *Flags) Start() (stop func() error, err error) {
	var ends []func() error
	stop = func() (err error) {
		for _, end := range ends {
			err = errors.Join(err, end())
		}
		return err
	}
	begin := func(flag, name string, start func(*os.File) error, end func()) error {
		if name == "" {
			return nil
		}
		f, err := os.Create(name)
		if err != nil {
			return fmt.Errorf("--%s: %w", flag, err)
		}
		if err := start(f); err != nil {
			return errors.Join(fmt.Errorf("--%s: %w", flag, err), f.Close())
		}
		ends = append(ends, func() error { end(); return f.Close() })
		return nil
	}
	err = begin("cpuprofile", p.cpu, func(f *os.File) error { return pprof.StartCPUProfile(f) }, pprof.StopCPUProfile)
	if err == nil {
		err = begin("trace", p.trace, func(f *os.File) error { return trace.Start(f) }, trace.Stop)
	}
	if err != nil {
		err = errors.Join(err, stop())
	}
	return stop, err
}
