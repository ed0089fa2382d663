//go:build unix && !linux

package file

import (
	"errors"
	"fmt"
	"os"
)

// Whole: sync(2) on other systems does not wait, or does not tell what could not be written.
func (system) Whole(string) (Whole, error) {
	return nil, fmt.Errorf("sync a disk: %w by this system", errors.ErrUnsupported)
}

// StartSync leaves it to the system when to write.
func (*osFile) StartSync() {}

// RenameOnce is left to links.
func (system) RenameOnce(old, new string) error {
	return &os.LinkError{Op: "rename", Old: old, New: new, Err: errors.ErrUnsupported}
}
