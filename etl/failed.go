package etl

import (
	"context"
	"errors"
	"fmt"

	"datalake/etl/input"
	"datalake/pkg/batch"
)

// stageError is what a stage of the caller's own ended with.
type stageError struct {
	stage Stage
	err   error
}

func (e *stageError) Error() string { return fmt.Sprintf("stage %T: %v", e.stage, e.err) }
func (e *stageError) Unwrap() error { return e.err }

// objectError names the object whose records a stage ended the run for.
type objectError struct {
	key string
	err error
}

func (e *objectError) Error() string { return fmt.Sprintf("object %s: %v", e.key, e.err) }
func (e *objectError) Unwrap() error { return e.err }

// FailedObject is the key of the raw object that an error of Run names: the store did not give it, or a stage failed on its records. A
// run that fails on it every time goes on without it after Job.Skip.
func FailedObject(err error) (key string, ok bool) {
	var read *input.ObjectError
	var stage *objectError
	switch {
	case errors.Is(err, context.Canceled):
	case errors.As(err, &stage):
		return stage.key, true
	case errors.As(err, &read):
		return read.Object.Key, true
	}
	return "", false
}

// decode has a mapper take what is wanted of a unit. Where a stage fails on a unit of several objects, they are tried one by one, to name the one: what
// comes of that is of no use any more.
func (r *mapRun) decode(ctx context.Context, m *mapper, u *batch.Unit) (records int64, err error) {
	if u, err = r.picked(u); err != nil {
		return 0, err
	}
	var stage *stageError
	if records, err = m.unit(ctx, u); !errors.As(err, &stage) || ctx.Err() != nil {
		return records, err
	}
	for _, c := range u.Chunks {
		alone := &batch.Unit{First: u.First, Number: u.Number, Chunks: []batch.Chunk{c}}
		if _, again := m.unit(ctx, alone); errors.As(again, &stage) {
			return records, &objectError{c.Object.Key, again}
		}
	}
	return records, err // it fails on them together, or not every time
}
