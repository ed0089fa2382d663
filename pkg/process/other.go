//go:build !unix

package process

import "time"

// PeakMemory is 0: this system does not tell.
func PeakMemory() int64 { return 0 }

// CPU is 0: this system does not tell.
func CPU() time.Duration { return 0 }
