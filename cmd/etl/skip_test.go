package main

import (
	"errors"
	"fmt"
	"strings"
	"testing"

	"datalake/etl/input"
	"datalake/pkg/batch"
)

// An error that names an object says how to go on without it; others stay as they are.
func TestFailedObject(t *testing.T) {
	a := &app{}
	err := a.failedObject(fmt.Errorf("map: %w", &input.ObjectError{Object: &batch.Object{Key: "raw/s/a b.json"}, Err: errors.New("input/output error")}))
	want := "map: read object raw/s/a b.json: input/output error. If it fails every time, go on without it: "
	if rest, ok := strings.CutPrefix(err.Error(), want); !ok || !strings.HasSuffix(rest, " skip 'raw/s/a b.json'") {
		t.Errorf("%v", err)
	}
	if err := errors.New("disk full"); a.failedObject(err) != err {
		t.Errorf("%v", a.failedObject(err))
	}
	if err := a.failedObject(nil); err != nil {
		t.Error(err)
	}
}
