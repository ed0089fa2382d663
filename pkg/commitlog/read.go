package commitlog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"iter"

	"datalake/pkg/layout"
	"datalake/pkg/planted"
	"datalake/pkg/storage"
)

// Record is an entry as it is in the log.
type Record struct {
	*Entry
	// Hash of the entry's bytes.
	Hash string
	log  *Log
	data []byte
}

// ReadBody reads the record's body and checks it. Errors: ErrChain.
func (r *Record) ReadBody(ctx context.Context) (*Body, error) {
	return readBody(ctx, r.log, r.Entry, DecodeBody)
}

// ReadActs is ReadBody without the inputs, which of most bodies take the most time. Errors: ErrChain.
func (r *Record) ReadActs(ctx context.Context) (*Body, error) {
	return readBody(ctx, r.log, r.Entry, decodeActs)
}

// Entry reads one entry. Errors: ErrNoEntry, ErrChain, ErrNewer.
func (l *Log) Entry(ctx context.Context, seq uint64) (*Record, error) {
	data, err := l.get(ctx, l.zone.Key(layout.LogPath(seq)))
	if errors.Is(err, storage.ErrNotFound) {
		err = fmt.Errorf("%w: %w", ErrNoEntry, err)
	}
	if err != nil {
		return nil, fmt.Errorf("read log entry %d: %w", seq, err)
	}
	e, err := DecodeEntry(data)
	if err != nil {
		return nil, fmt.Errorf("read log entry %d: %w", seq, err)
	}
	if e.Seq != seq {
		return nil, fmt.Errorf("read log entry %d: %w: it says that it is entry %d", seq, ErrChain, e.Seq)
	}
	return &Record{Entry: e, Hash: Hash(data), log: l, data: data}, nil
}

// Body reads the body of an entry and checks it against the entry. Errors: ErrChain.
func (l *Log) Body(ctx context.Context, e *Entry) (*Body, error) {
	return readBody(ctx, l, e, DecodeBody)
}

// readBody reads what decode makes of the body of an entry.
func readBody[T any](ctx context.Context, l *Log, e *Entry, decode func([]byte) (T, error)) (none T, err error) {
	if !l.zone.Owns(e.Body.Key) {
		return none, fmt.Errorf("read body of log entry %d: %w: key %q lies outside %s", e.Seq, ErrChain, e.Body.Key, l.zone.Prefix)
	}
	data, err := l.get(ctx, e.Body.Key)
	if errors.Is(err, storage.ErrNotFound) {
		err = fmt.Errorf("%w: %w", ErrChain, err)
	}
	if err != nil {
		return none, fmt.Errorf("read body of log entry %d: %w", e.Seq, err)
	}
	if Hash(data) != e.Body.SHA256 && !planted.Bug("skip-chain-check") {
		return none, fmt.Errorf("read body of log entry %d: %w: %s has another hash than the entry says", e.Seq, ErrChain, e.Body.Key)
	}
	b, err := decode(data)
	if err != nil {
		return none, fmt.Errorf("read body of log entry %d: %w", e.Seq, err)
	}
	return b, nil
}

// Read yields the entries from seq on, each checked against the one before it, until one is missing. An error ends it.
func (l *Log) Read(ctx context.Context, seq uint64) iter.Seq2[*Record, error] {
	return func(yield func(*Record, error) bool) {
		prev := ""
		for first := seq; ; seq++ {
			r, err := l.Entry(ctx, seq)
			if errors.Is(err, ErrNoEntry) {
				return
			}
			if err == nil && seq > first && r.Prev != prev && !planted.Bug("skip-chain-check") {
				err = fmt.Errorf("read log entry %d: %w: it does not follow entry %d", seq, ErrChain, seq-1)
			}
			if err != nil {
				yield(nil, err)
				return
			}
			prev = r.Hash
			if !yield(r, nil) {
				return
			}
		}
	}
}

// Head gives the newest state. Errors: ErrChain, ErrNewer, and those of the store; a state is given only when the store
// says that the next entry is not found.
func (l *Log) Head(ctx context.Context) (*State, error) {
	l.mu.Lock()
	s := l.last
	l.mu.Unlock()
	if s == nil {
		var err error
		if s, err = l.newest(ctx); err != nil {
			return nil, err
		}
	}
	s, err := l.follow(ctx, s, 0)
	if err != nil {
		return nil, err
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || l.last.Seq < s.Seq {
		l.last = s
	}
	return l.last, nil
}

// Learn takes the state after an entry that was put, so that Head need not read that entry's body, which its writer has just had in
// hand. Neither the state nor the body that it was made of may be changed any more.
func (l *Log) Learn(s *State) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.last == nil || l.last.Seq < s.Seq {
		l.last = s
	}
}

// At gives the state at seq, folded from the first entry on, without checkpoints. Errors: those of Head, and
// ErrNoEntry.
func (l *Log) At(ctx context.Context, seq uint64) (*State, error) {
	s := Empty()
	if seq == 0 {
		return s, nil
	}
	s, err := l.follow(ctx, s, seq)
	if err == nil && s.Seq != seq {
		err = fmt.Errorf("read state %d: %w", seq, ErrNoEntry)
	}
	return s, err
}

// follow applies the entries after s, up to and with the given one; 0: all. It leaves s as it is.
func (l *Log) follow(ctx context.Context, s *State, to uint64) (*State, error) {
	n := s
	for r, err := range l.Read(ctx, s.Seq+1) {
		if err != nil {
			return nil, err
		}
		b, err := readBody(ctx, l, r.Entry, decodeFold(r.Seq))
		if err != nil {
			return nil, err
		}
		if n == s {
			n = s.clone()
		}
		if planted.Bug("skip-chain-check") {
			r.Prev = n.Hash
		}
		if err := n.apply(ctx, r.Entry, r.Hash, b.Body, b.inputs); err != nil {
			return nil, err
		}
		if n.Seq == to {
			break
		}
	}
	return n, nil
}

// get reads a whole object.
func (l *Log) get(ctx context.Context, key string) ([]byte, error) {
	data, _, err := l.getPart(ctx, key, storage.GetOptions{})
	return data, err
}

// getPart reads an object, or the part of it that the options ask for, which begins in it.
func (l *Log) getPart(ctx context.Context, key string, o storage.GetOptions) ([]byte, storage.Info, error) {
	r, info, err := l.zone.Store.Get(ctx, key, o)
	if err != nil {
		return nil, info, err
	}
	size := max(info.Size-o.Offset, 0)
	if o.Length > 0 {
		size = min(size, o.Length)
	}
	// Not io.ReadAll, which would copy as it grows. The one byte more finds the end.
	data := make([]byte, size+1)
	n, err := io.ReadFull(r, data)
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		err = nil
	}
	if err := errors.Join(err, r.Close()); err != nil {
		return nil, info, fmt.Errorf("read %s: %w", key, err)
	}
	if int64(n) != size {
		return nil, info, fmt.Errorf("read %s: %d of %d bytes: %w", key, n, size, io.ErrUnexpectedEOF)
	}
	return data[:size], info, nil
}

// Put puts the encoded bytes of entry seq, once. The same bytes may be put again after any error but ErrTaken, and must
// be until the answer is nil or ErrTaken, since a request whose answer was lost may still take effect. Errors:
// ErrTaken; the entry that took the number is durable then.
func (l *Log) Put(ctx context.Context, seq uint64, data []byte) error {
	if len(data) > MaxEntry {
		return fmt.Errorf("put log entry %d: %w: %d bytes, %d are allowed", seq, ErrInvalid, len(data), MaxEntry)
	}
	_, err := l.zone.Store.Put(ctx, l.zone.Key(layout.LogPath(seq)), bytes.NewReader(data), storage.PutOptions{Once: true})
	if errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("put log entry %d: %w: %w", seq, ErrTaken, err)
	}
	if err != nil {
		return fmt.Errorf("put log entry %d: %w", seq, err)
	}
	return nil
}

// PutBody puts a body among the objects of an attempt, and says how an entry names it.
func (l *Log) PutBody(ctx context.Context, attempt string, b *Body) (BodyRef, error) {
	data, ref, err := b.Encode()
	if err != nil {
		return BodyRef{}, fmt.Errorf("put body of attempt %s: %w", attempt, err)
	}
	ref.Key = l.zone.Key(layout.AttemptPath(attempt, BodyName+ref.SHA256[:32]+".json.zst"))
	_, err = l.zone.Store.Put(ctx, ref.Key, bytes.NewReader(data), storage.PutOptions{Once: true})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return BodyRef{}, fmt.Errorf("put body of attempt %s: %w", attempt, err)
	}
	return ref, nil
}

// BodyName begins the names of an attempt's bodies.
const BodyName = "body-"

// Confirm returns nil once entry seq is durable: an entry can be read a moment before it is, and what follows from it
// must not outlive it. Errors: ErrNoEntry, ErrChain if the number now has other bytes.
func (l *Log) Confirm(ctx context.Context, seq uint64) error {
	r, err := l.Entry(ctx, seq)
	if err != nil {
		return err
	}
	err = l.Put(ctx, seq, r.data)
	if err == nil {
		return fmt.Errorf("confirm log entry %d: %w: it vanished and was put again", seq, ErrChain)
	}
	if errors.Is(err, ErrTaken) {
		return nil
	}
	return err
}
