package memory_test

import (
	"testing"

	"go.uber.org/goleak"

	"datalake/pkg/storage"
	"datalake/pkg/storage/memory"
	"datalake/pkg/storage/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store { return memory.New() })
}
