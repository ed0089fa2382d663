package commit

import (
	"context"
	"fmt"

	"datalake/pkg/storage"
)

// batches are the zones' stores, each as a batch: what is put, copied or looked at through them is durable after sync, not before.
// A run over 10,000 partitions so waits for the disk twice, before the decision and before what is published is noted, and not ten
// times a partition.
type batches map[string]storage.Batch

func (l Lake) batches() batches {
	b := make(batches, len(l.Zones))
	for name, z := range l.Zones {
		b[name] = storage.NewBatch(z.Store)
	}
	return b
}

// sync is the barrier. After an error the batches are of no use any more.
func (b batches) sync(ctx context.Context) error {
	for name, batch := range b {
		if err := batch.Sync(ctx); err != nil {
			return fmt.Errorf("make the files of zone %s durable: %w", name, err)
		}
	}
	return nil
}
