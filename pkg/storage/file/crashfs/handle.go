package crashfs

import (
	"io"
	"io/fs"
	"syscall"
	"time"

	"datalake/pkg/storage/file"
)

// handle is an open file.
type handle struct {
	fs       *FS
	node     *node
	name     string
	epoch    int
	writable bool
	closed   bool
}

// use begins an operation on an open file. The caller holds the lock.
func (h *handle) use(op string, begin func(op, name string) error) error {
	if h.closed {
		return &fs.PathError{Op: op, Path: h.name, Err: fs.ErrClosed}
	}
	if h.epoch != h.fs.epoch {
		return &fs.PathError{Op: op, Path: h.name, Err: ErrCrashed}
	}
	return begin(op, h.name)
}

func (h *handle) ReadAt(p []byte, off int64) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.use("read", h.fs.alive); err != nil {
		return 0, err
	}
	if h.node.dir {
		return 0, &fs.PathError{Op: "read", Path: h.name, Err: syscall.EISDIR}
	}
	if off < 0 {
		return 0, &fs.PathError{Op: "read", Path: h.name, Err: syscall.EINVAL}
	}
	n := copy(p, h.node.data[min(off, int64(len(h.node.data))):])
	if n < len(p) {
		return n, io.EOF
	}
	return n, nil
}

func (h *handle) Write(p []byte) (int, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.use("write", h.fs.step); err != nil {
		return 0, err
	}
	if !h.writable {
		return 0, &fs.PathError{Op: "write", Path: h.name, Err: syscall.EBADF}
	}
	h.node.data = append(h.node.data, p...)
	h.node.mtime = h.fs.now
	return len(p), nil
}

func (h *handle) Stat() (file.Stat, error) {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.use("stat", h.fs.alive); err != nil {
		return file.Stat{}, err
	}
	return h.node.stat(), nil
}

func (h *handle) SetModTime(t time.Time) error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.use("chtimes", h.fs.step); err != nil {
		return err
	}
	h.node.mtime = t
	return nil
}

func (h *handle) Sync() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if err := h.use("sync", h.fs.step); err != nil {
		return err
	}
	h.node.synced, h.node.durableMtime = len(h.node.data), h.node.mtime
	return nil
}

// StartSync makes nothing durable; what CrashRandom keeps by chance includes what was begun to be written.
func (h *handle) StartSync() {}

// Close never fails for a crash: it changes nothing.
func (h *handle) Close() error {
	h.fs.mu.Lock()
	defer h.fs.mu.Unlock()
	if h.closed {
		return &fs.PathError{Op: "close", Path: h.name, Err: fs.ErrClosed}
	}
	h.closed = true
	if h.epoch == h.fs.epoch {
		h.fs.release(h.node)
	}
	return nil
}

// whole is the open disk.
type whole struct {
	fs    *FS
	epoch int
}

// Device is that of all nodes.
func (w whole) Device() uint64 { return device }

func (w whole) Worth(n int) bool {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	return n >= w.fs.wholeFrom
}

// Sync makes all durable that can be reached now.
func (w whole) Sync() error {
	w.fs.mu.Lock()
	defer w.fs.mu.Unlock()
	if w.epoch != w.fs.epoch {
		return &fs.PathError{Op: "sync", Path: "/", Err: ErrCrashed}
	}
	if err := w.fs.step("sync", "/"); err != nil {
		return err
	}
	w.fs.syncAll(w.fs.root)
	return nil
}

func (w whole) Close() error { return nil }
