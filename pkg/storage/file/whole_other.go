//go:build unix && !linux

package file

import (
	"errors"
	"fmt"
)

// Whole: sync(2) on other systems does not wait, or does not tell what could not be written.
func (system) Whole(string) (Whole, error) {
	return nil, fmt.Errorf("sync a disk: %w by this system", errors.ErrUnsupported)
}

// StartSync leaves it to the system when to write.
func (osFile) StartSync() {}
