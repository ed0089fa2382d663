//go:build !unix

package process

// PeakMemory is 0: this system does not tell.
func PeakMemory() int64 { return 0 }
