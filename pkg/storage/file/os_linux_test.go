package file

import (
	"errors"
	"testing"
)

func TestKernelFrom(t *testing.T) {
	for release, want := range map[string]bool{
		"6.1.0-13-amd64": true, "5.8": true, "5.8-rc1": true, "5.10.240-238.955.amzn2.x86_64": true, "5.7.19": false, "4.14.355": false,
		"10.0.1": true, "": false, "x.y": false, "5": false,
	} {
		if kernelFrom(release, 5, 8) != want {
			t.Errorf("%q: want %v", release, want)
		}
	}
}

// A disk that can be synced as a whole is synced, and tells its device as files do; any other says why not.
func TestWhole(t *testing.T) {
	dir := t.TempDir()
	w, err := OS.Whole(dir)
	if errors.Is(err, errors.ErrUnsupported) {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	st, err := OS.Stat(dir)
	if err != nil || st.Device != w.Device() {
		t.Errorf("device %d, want %d: %v", w.Device(), st.Device, err)
	}
	if w.Worth(1) || !w.Worth(wholeFrom) {
		t.Error("worth it for one file, or not for many")
	}
	if err := errors.Join(w.Sync(), w.Close()); err != nil {
		t.Error(err)
	}
	if err := w.Sync(); err == nil {
		t.Error("a closed disk was synced")
	}
	if _, err := OS.Whole("/proc"); !errors.Is(err, errors.ErrUnsupported) {
		t.Errorf("/proc: %v", err)
	}
}
