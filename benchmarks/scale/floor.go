package main

import (
	"context"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"sync"

	"golang.org/x/sys/unix"

	"datalake/benchmarks/process"
)

// What the file system itself takes, whatever the engine does: one process that makes no calls but those that the promises need, on as many
// threads as there are cores. It is the floor of what a run can take beside its own work.
const (
	floorPartitions = "floor-partitions" // and a folder: publish a file of 3 KB into each of 10,000 partitions
	floorObjects    = "floor-objects"    // and a folder: list it, and read all objects in it
)

// floorFiles is how many partitions the floor of partitions has, floorBytes how large the file of each is.
const (
	floorFiles = 10_000
	floorBytes = 3000
)

// floor measures one of them.
func (b *bench) floor(ctx context.Context, what, dir string) (process.Cost, error) {
	self, err := os.Executable()
	if err != nil {
		return process.Cost{}, err
	}
	var best process.Cost
	for n := range b.o.runs {
		at := dir
		if what == floorPartitions {
			at = filepath.Join(dir, fmt.Sprint(n))
		}
		m, err := b.measure(ctx, process.Command(ctx, self, what, at))
		if err != nil {
			return best, err
		}
		if n == 0 || m.Wall < best.Wall {
			best = m
		}
	}
	return best, nil
}

// share calls do for the numbers below n on as many threads as there are cores, each with a stretch of them, and gives an error of one.
func share(n int, do func(i int) error) error {
	threads := process.Threads()
	errs := make([]error, threads)
	var wg sync.WaitGroup
	for t := range threads {
		wg.Go(func() {
			for i := t * n / threads; i < (t+1)*n/threads && errs[t] == nil; i++ {
				errs[t] = do(i)
			}
		})
	}
	wg.Wait()
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}

// publishBare puts files aside, makes them durable, links each into a directory of its own, and makes that durable.
func publishBare(dir string) error {
	aside := filepath.Join(dir, "aside")
	if err := os.MkdirAll(aside, 0o777); err != nil {
		return err
	}
	name := func(i int) string { return fmt.Sprintf("%064x.parquet", i) }
	body := make([]byte, floorBytes)
	err := share(floorFiles, func(i int) error {
		temp := filepath.Join(aside, fmt.Sprint(".tmp-", i))
		fd, err := unix.Open(temp, unix.O_CREAT|unix.O_EXCL|unix.O_WRONLY|unix.O_CLOEXEC, 0o666)
		if err != nil {
			return err
		}
		if _, err := unix.Write(fd, body); err != nil {
			return err
		}
		if err := unix.Close(fd); err != nil {
			return err
		}
		return unix.Rename(temp, filepath.Join(aside, name(i)))
	})
	if err != nil {
		return err
	}
	unix.Sync()
	const days = 30
	for i := 0; i < floorFiles; i += days {
		if err := os.MkdirAll(filepath.Join(dir, month(i, days)), 0o777); err != nil {
			return err
		}
	}
	err = share(floorFiles, func(i int) error {
		to := filepath.Join(dir, month(i, days), fmt.Sprintf("day=%02d", i%days+1))
		if err := unix.Mkdir(to, 0o777); err != nil {
			return err
		}
		return unix.Link(filepath.Join(aside, name(i)), filepath.Join(to, name(i)))
	})
	unix.Sync()
	return err
}

// month is the directory above that of partition i.
func month(i, days int) string {
	return fmt.Sprintf("source=s/year=%d/month=%02d", 1990+i/days/12, i/days%12+1)
}

// readBare lists a folder with what is to be known of each file, and opens, reads and closes each, asking the open file before and after.
func readBare(dir string) error {
	var folders []string
	err := filepath.WalkDir(dir, func(name string, d fs.DirEntry, err error) error {
		if err == nil && d.IsDir() {
			folders = append(folders, name)
		}
		return err
	})
	if err != nil {
		return err
	}
	return share(len(folders), func(i int) error {
		entries, err := os.ReadDir(folders[i])
		if err != nil {
			return err
		}
		buf := make([]byte, 64<<10)
		for _, e := range entries {
			if e.IsDir() {
				continue
			}
			if err := readOne(filepath.Join(folders[i], e.Name()), buf); err != nil {
				return err
			}
		}
		return nil
	})
}

func readOne(name string, buf []byte) error {
	var st unix.Stat_t
	if err := unix.Lstat(name, &st); err != nil {
		return err
	}
	fd, err := unix.Open(name, unix.O_RDONLY|unix.O_CLOEXEC, 0)
	if err != nil {
		return err
	}
	defer unix.Close(fd)
	if err := unix.Fstat(fd, &st); err != nil {
		return err
	}
	if n, err := unix.Pread(fd, buf, 0); err != nil || int64(n) != st.Size {
		return fmt.Errorf("read %s: %d of %d bytes: %w", name, n, st.Size, err)
	}
	return unix.Fstat(fd, &st)
}
