package commit

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"
)

// ProcessOwner names this process for Lake.Owner: boot, process namespace, process number and start. Empty where that
// cannot be found out. For lakes whose store takes no request after the process that sent it has ended: directories.
func ProcessOwner() string {
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id")
	if err != nil {
		return ""
	}
	ns, err := os.Readlink("/proc/self/ns/pid")
	if err != nil {
		return ""
	}
	start, err := started(os.Getpid())
	if err != nil {
		return ""
	}
	return fmt.Sprintf("%s %s %d %s", strings.TrimSpace(string(boot)), ns, os.Getpid(), start)
}

// ProcessDead tells for certain, for Lake.Dead, that the process which ProcessOwner named has ended: this machine has
// not booted since, and in the same namespace there is no such process, or one with the number that began at another
// time.
func ProcessDead(owner string) bool {
	var boot, ns, start string
	var pid int
	if _, err := fmt.Sscanf(owner, "%s %s %d %s", &boot, &ns, &pid, &start); err != nil {
		return false
	}
	self := strings.Fields(ProcessOwner())
	if len(self) != 4 || self[0] != boot || self[1] != ns {
		return false
	}
	now, err := started(pid)
	return errors.Is(err, fs.ErrNotExist) || err == nil && now != start
}

// started is the time at which a process began, in ticks since the boot.
func started(pid int) (string, error) {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	if err != nil {
		return "", err
	}
	// The name, in parentheses, may hold anything; the start is the 20th field after it.
	fields := strings.Fields(string(stat[strings.LastIndexByte(string(stat), ')')+1:]))
	if len(fields) < 20 {
		return "", fmt.Errorf("read /proc/%d/stat: %d fields", pid, len(fields))
	}
	if fields[0] == "Z" {
		return "", fs.ErrNotExist // ended, and only its parent has not noticed
	}
	return fields[19], nil
}
