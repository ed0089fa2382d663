package file_test

import (
	"testing"

	"go.uber.org/goleak"

	"datalake/pkg/storage"
	"datalake/pkg/storage/file"
	"datalake/pkg/storage/file/crashfs"
	"datalake/pkg/storage/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store {
		s, err := file.Open(t.TempDir() + "/lake")
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

func TestConformanceOfCrashFS(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store {
		s, err := file.OpenFS("/lake", crashfs.New())
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// Where a file system cannot rename once, puts of that kind go by links.
func TestConformanceByLinks(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store {
		s, err := file.OpenFS(t.TempDir()+"/lake", onlyLinks(file.OS))
		if err != nil {
			t.Fatal(err)
		}
		return s
	})
}

// A batch keeps what a store promises, but for durability.
func TestConformanceOfBatch(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storage.Store {
		s, err := file.Open(t.TempDir() + "/lake")
		if err != nil {
			t.Fatal(err)
		}
		return s.NewBatch()
	})
}
