package main

import (
	"errors"
	"fmt"
	"os"
	"runtime/pprof"
	"runtime/trace"

	"github.com/spf13/pflag"
)

// profiles are the flags of those who ask why a command is slow.
type profiles struct {
	cpu, trace string
}

func (p *profiles) flags(f *pflag.FlagSet) {
	f.StringVar(&p.cpu, "cpuprofile", "", "write a CPU profile to this file, for go tool pprof")
	f.StringVar(&p.trace, "trace", "", "write an execution trace to this file, for go tool trace")
}

// start begins what the flags ask for; stop ends it and closes the files.
func (p *profiles) start() (stop func() error, err error) {
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
			return usage(fmt.Errorf("--%s: %w", flag, err))
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
