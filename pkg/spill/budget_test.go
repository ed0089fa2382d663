package spill_test

import (
	"testing"

	"datalake/pkg/spill"
)

func TestBudget(t *testing.T) {
	b := spill.NewBudget(100)
	if !b.Take(60) || b.Take(60) {
		t.Error("60 fit, 120 do not")
	}
	if b.Take(-60); b.Used() != 60 || !b.Take(40) {
		t.Errorf("used %d", b.Used())
	}
	if b.Take(1) {
		t.Error("101 fit")
	}
}
