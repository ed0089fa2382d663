package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"sync/atomic"
	"syscall"
	"time"
)

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
