package storetest

import (
	"bytes"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"testing"

	"datalake/pkg/storage"
)

const racers = 16

// race runs f in many goroutines that start together, and waits for them.
func race(n int, f func(i int)) {
	start := make(chan struct{})
	var wg sync.WaitGroup
	for i := range n {
		wg.Go(func() {
			<-start
			f(i)
		})
	}
	close(start)
	wg.Wait()
}

// Of all puts of one key once, one wins.
func testRaceOnce(t *testing.T, s storage.Store) {
	for round := range 20 {
		key := fmt.Sprintf("log/%d/entry", round)
		errs := make([]error, racers)
		race(racers, func(i int) {
			body := strings.NewReader(fmt.Sprintf("racer %d", i))
			_, errs[i] = s.Put(t.Context(), key, body, storage.PutOptions{Once: true})
			if errs[i] != nil { // who lost sees the winner's object
				if _, _, err := get(t.Context(), s, key, storage.GetOptions{}); err != nil {
					t.Errorf("Get after %v: %v", errs[i], err)
				}
			}
		})
		winner := -1
		for i, err := range errs {
			switch {
			case err == nil && winner < 0:
				winner = i
			case err == nil:
				t.Errorf("round %d: both %d and %d win", round, winner, i)
			case !errors.Is(err, storage.ErrExists):
				t.Errorf("round %d: racer %d: %v", round, i, err)
			}
		}
		if winner < 0 {
			t.Fatalf("round %d: nobody wins: %v", round, errs)
		}
		wantBody(t, s, key, fmt.Sprintf("racer %d", winner))
	}
	if got := list(t, s, "", ""); len(got) != 20 {
		t.Errorf("List gives %q", got)
	}
}

// Whoever reads while an object is replaced sees one version whole.
func testRaceReplace(t *testing.T, s storage.Store) {
	version := func(i int) []byte { return bytes.Repeat([]byte{byte(i)}, 1000*(1+i%7)) }
	check := func(body []byte, info storage.Info) error {
		if info.Size != int64(len(body)) || len(body) == 0 || !bytes.Equal(body, version(int(body[0]))) {
			return fmt.Errorf("%d bytes of an object of %d bytes are not of one version", len(body), info.Size)
		}
		return nil
	}
	put(t, s, "a/b", string(version(0)))
	done := make(chan struct{})
	var wg sync.WaitGroup
	for range 4 {
		wg.Go(func() {
			for {
				select {
				case <-done:
					return
				default:
				}
				body, info, err := get(t.Context(), s, "a/b", storage.GetOptions{})
				if err == nil {
					err = check([]byte(body), info)
				}
				if err != nil {
					t.Errorf("Get: %v", err)
					return
				}
			}
		})
	}
	race(4, func(i int) {
		for j := range 50 {
			if _, err := s.Put(t.Context(), "a/b", bytes.NewReader(version(50*i+j)), storage.PutOptions{}); err != nil {
				t.Errorf("Put: %v", err)
				return
			}
		}
	})
	close(done)
	wg.Wait()
}

// Puts, copies and deletes in the same folders do not disturb each other.
func testRaceDelete(t *testing.T, s storage.Store) {
	put(t, s, "source", "x")
	race(racers, func(i int) {
		for j := range 40 {
			key := fmt.Sprintf("a/b%d/c/%d", j%2, i)
			var err error
			if i%2 == 0 {
				_, err = s.Put(t.Context(), key, strings.NewReader("x"), storage.PutOptions{Once: i%4 == 0})
			} else {
				_, err = s.Copy(t.Context(), "source", key)
			}
			if err != nil {
				t.Errorf("write: %v", err)
				return
			}
			if body, _, err := get(t.Context(), s, key, storage.GetOptions{}); err != nil || body != "x" {
				t.Errorf("Get: %q, %v", body, err)
				return
			}
			if err := s.Delete(t.Context(), key); err != nil {
				t.Errorf("Delete: %v", err)
				return
			}
		}
	})
	if got := list(t, s, "", ""); !slices.Equal(got, []string{"source"}) {
		t.Errorf("List gives %q", got)
	}
}

// Copies of one object to one key all succeed.
func testRaceCopy(t *testing.T, s storage.Store) {
	put(t, s, "aside/1", "body")
	put(t, s, "aside/2", "body")
	for round := range 10 {
		to := fmt.Sprintf("table/%d/file", round)
		race(racers, func(i int) {
			if _, err := s.Copy(t.Context(), fmt.Sprintf("aside/%d", 1+i%2), to); err != nil {
				t.Errorf("Copy: %v", err)
			}
		})
		wantBody(t, s, to, "body")
	}
}

// A listing sees what is there all the time, in order, whatever comes and goes meanwhile.
func testRaceList(t *testing.T, s storage.Store) {
	stable := []string{}
	for i := range 30 {
		stable = append(stable, fmt.Sprintf("d%02d/stable", i))
		put(t, s, stable[i], "")
	}
	done := make(chan struct{})
	var wg sync.WaitGroup
	for i := range 4 {
		wg.Go(func() {
			for j := 0; ; j++ {
				select {
				case <-done:
					return
				default:
				}
				key := fmt.Sprintf("d%02d/x%d/y", j%30, i)
				if _, err := s.Put(t.Context(), key, strings.NewReader(""), storage.PutOptions{}); err != nil {
					t.Errorf("Put: %v", err)
					return
				}
				if err := s.Delete(t.Context(), key); err != nil {
					t.Errorf("Delete: %v", err)
					return
				}
			}
		})
	}
	for range 30 {
		got := list(t, s, "", "")
		if !slices.IsSorted(got) {
			t.Errorf("List is out of order: %q", got)
		}
		got = slices.DeleteFunc(got, func(key string) bool { return !strings.HasSuffix(key, "/stable") })
		if !slices.Equal(got, stable) {
			t.Errorf("List gives %q of the objects that stay", got)
		}
	}
	close(done)
	wg.Wait()
}
