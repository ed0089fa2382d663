package commitlog

import (
	"context"
	"sync"

	"datalake/pkg/layout"
)

// Log is the commit log of one zone. Safe for concurrent use.
type Log struct {
	zone layout.Zone

	mu   sync.Mutex
	last *State // newest state seen
}

// Open gives the log in the zone <state>/<zone>. It reads nothing: a log that does not exist is empty. Errors:
// layout.ErrZone.
func Open(ctx context.Context, zone layout.Zone) (*Log, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := zone.Check(); err != nil {
		return nil, err
	}
	return &Log{zone: zone}, nil
}

// Zone is where the log lies.
func (l *Log) Zone() layout.Zone { return l.zone }
