package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"

	"datalake/etl"
	"datalake/pkg/lakefile"
)

// The exit codes.
const (
	exitDone        = 0
	exitFailed      = 1
	exitUsage       = 2
	exitBad         = 3
	exitConflict    = 4
	exitInterrupted = 130
)

// codes is the part of each command's help that says what its exit codes mean.
const (
	readCodes = `
Exit codes: 0 done, 1 failed, 2 bad usage or config, 130 interrupted.`
	runCodes = `
Exit codes: 0 done (also when nothing was new), 1 failed, 2 bad usage or config,
3 more bad records than --max-bad allows (nothing decided or published), 4 lost to a
concurrent run (safe to retry), 130 interrupted (nothing decided; or decided, and
published by the next run).`
	demoCodes = `
Exit codes: 0 done, 1 failed, 2 bad usage or config, 4 lost to a concurrent run
(safe to retry), 130 interrupted (nothing decided; or decided, and published by the
next run).`
	repairCodes = `
Exit codes: 0 done, 1 failed, 2 bad usage or config, 4 lost to a concurrent run
(safe to retry), 130 interrupted (safe to retry).`
	verifyCodes = `
Exit codes: 0 nothing found but notes, 1 alarms or pending work found, or failed,
2 bad usage or config, 130 interrupted.`
)

// usageError is a command line or a config that cannot be followed; nothing was done.
type usageError struct{ err error }

func (e *usageError) Error() string { return e.err.Error() }
func (e *usageError) Unwrap() error { return e.err }

func usage(err error) error { return &usageError{err} }

// errFindings ends a verify that found something, which was printed already.
var errFindings = errors.New("findings")

// exitCode is what the process returns for a command's error.
func exitCode(err error, interrupted bool) int {
	var usage *usageError
	var config lakefile.Errors
	switch {
	case err == nil:
		return exitDone
	case errors.Is(err, etl.ErrUnknown):
		return exitFailed
	case interrupted && errors.Is(err, context.Canceled):
		return exitInterrupted
	case errors.As(err, &usage), errors.As(err, &config), errors.Is(err, etl.ErrConfig):
		return exitUsage
	case errors.Is(err, etl.ErrBad):
		return exitBad
	case errors.Is(err, etl.ErrConflict):
		return exitConflict
	}
	return exitFailed
}

// patience is how long a command may take to stop after the first signal. It is safe to end it at any moment: what is not
// decided is not there, and what is decided the next run publishes.
const patience = 1800 * time.Millisecond

// interrupts gives a context that ends with the first SIGINT or SIGTERM. A command that has not returned after patience, or
// when a second signal comes, is ended then and there with exit code 130.
func interrupts(stderr io.Writer) (context.Context, *atomic.Bool) {
	ctx, cancel := context.WithCancel(context.Background())
	interrupted := &atomic.Bool{}
	signals := make(chan os.Signal, 2)
	signal.Notify(signals, os.Interrupt, syscall.SIGTERM)
	go func() {
		<-signals
		interrupted.Store(true)
		cancel()
		select {
		case <-signals:
		case <-time.After(patience):
		}
		fmt.Fprintln(stderr, "\netl: interrupted; what was decided, the next run publishes")
		os.Exit(exitInterrupted)
	}()
	return ctx, interrupted
}
