package etl

import (
	"testing"

	"datalake/pkg/commitlog"
)

// FindCompaction says what a compaction of a state would do.
func FindCompaction(t *testing.T, s *commitlog.State, c Compaction) []CompactedPartition {
	t.Helper()
	parts, err := c.find(s)
	if err != nil {
		t.Fatal(err)
	}
	var r Compacted
	r.fill(parts)
	return r.Partitions
}
