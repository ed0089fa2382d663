//go:build !linux

package commit

// ProcessOwner names this process for Lake.Owner. On this system it cannot be told for certain whether a process has
// ended; so it is empty, and claims only age.
func ProcessOwner() string { return "" }

// ProcessDead says that nothing is certain.
func ProcessDead(owner string) bool { return false }
