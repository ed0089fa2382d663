package commitlog

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"

	"datalake/pkg/layout"
	"datalake/pkg/storage"
)

// A checkpoint is a line that names the format, the SHA-256 of the rest, and the rest in zstd: the length of a JSON
// text as a varint, that text, and the ledger's items.
const checkpointMagic = "datalake checkpoint 1\n"

// CheckpointEvery is the number of entries after which a checkpoint is worth its while.
const CheckpointEvery = 16

type checkpointJSON struct {
	Seq        uint64            `json:"seq"`
	Hash       string            `json:"hash"`
	MinWriter  int               `json:"min_writer"`
	Roots      map[string]string `json:"roots,omitempty"`
	Catalogs   []string          `json:"catalogs,omitempty"`
	Oldest     uint64            `json:"oldest"`
	Counts     Counts            `json:"counts"`
	Sources    map[string]Source `json:"sources,omitempty"`
	Attempts   map[string]uint64 `json:"attempts,omitempty"`
	Condemned  map[string]uint64 `json:"condemned,omitempty"`
	Settled    map[string]uint64 `json:"settled,omitempty"`
	Left       []Dir             `json:"left,omitempty"`
	Doomed     []Dir             `json:"doomed,omitempty"`
	Partitions []partitionJSON   `json:"partitions,omitempty"`
}

type partitionJSON struct {
	Partition
	Content
}

// EncodeCheckpoint gives the bytes of a state: equal states give equal bytes, however they came about.
func (s *State) EncodeCheckpoint() ([]byte, error) {
	j := checkpointJSON{
		Seq: s.Seq, Hash: s.Hash, MinWriter: s.MinWriter, Roots: s.Roots, Catalogs: s.Catalogs, Oldest: s.Oldest, Counts: s.Counts,
		Sources: s.Sources, Attempts: s.Attempts, Condemned: s.Condemned, Settled: s.Settled, Left: s.Left, Doomed: s.Doomed,
	}
	for _, p := range slices.SortedFunc(maps.Keys(s.Partitions), Partition.Compare) {
		j.Partitions = append(j.Partitions, partitionJSON{p, *s.Partitions[p]})
	}
	text, err := json.Marshal(&j)
	if err != nil {
		return nil, fmt.Errorf("encode checkpoint %d: %w", s.Seq, err)
	}
	c, err := codec()
	if err != nil {
		return nil, err
	}
	plain := append(binary.AppendUvarint(nil, uint64(len(text))), text...)
	rest := c.enc.EncodeAll(append(plain, s.Ledger.encode()...), nil)
	sum := sha256.Sum256(rest)
	return append(append([]byte(checkpointMagic), sum[:]...), rest...), nil
}

// DecodeCheckpoint reads what EncodeCheckpoint gave. Any other bytes are an error, of no kind that callers need to
// know.
func DecodeCheckpoint(data []byte) (*State, error) {
	rest, ok := bytes.CutPrefix(data, []byte(checkpointMagic))
	if !ok || len(rest) < sha256.Size {
		return nil, errors.New("decode checkpoint: not one of this format")
	}
	sum, rest := rest[:sha256.Size], rest[sha256.Size:]
	if got := sha256.Sum256(rest); !bytes.Equal(got[:], sum) {
		return nil, errors.New("decode checkpoint: its hash does not fit")
	}
	c, err := codec()
	if err != nil {
		return nil, err
	}
	plain, err := c.dec.DecodeAll(rest, nil)
	if err != nil {
		return nil, fmt.Errorf("decode checkpoint: %w", err)
	}
	size, n := binary.Uvarint(plain)
	if n <= 0 || size > uint64(len(plain)-n) || (uint64(len(plain)-n)-size)%ledgerItem != 0 {
		return nil, errors.New("decode checkpoint: lengths do not fit")
	}
	text, items := plain[n:n+int(size)], plain[n+int(size):]
	var j checkpointJSON
	if err := json.Unmarshal(text, &j); err != nil {
		return nil, fmt.Errorf("decode checkpoint: %w", err)
	}
	s := Empty()
	s.Seq, s.Hash, s.MinWriter, s.Roots, s.Catalogs, s.Oldest, s.Counts = j.Seq, j.Hash, j.MinWriter, j.Roots, j.Catalogs, j.Oldest, j.Counts
	s.Left, s.Doomed = j.Left, j.Doomed
	maps.Copy(s.Sources, j.Sources)
	maps.Copy(s.Attempts, j.Attempts)
	maps.Copy(s.Condemned, j.Condemned)
	maps.Copy(s.Settled, j.Settled)
	for i := range j.Partitions {
		s.Partitions[j.Partitions[i].Partition] = &j.Partitions[i].Content
	}
	s.Ledger.items = slices.Clip(items)
	return s, nil
}

// PutCheckpoint puts the checkpoint of a state, once, and then the hint that points to it. The caller has confirmed the
// state's entry.
func (l *Log) PutCheckpoint(ctx context.Context, s *State) error {
	data, err := s.EncodeCheckpoint()
	if err != nil {
		return err
	}
	z := l.zone
	_, err = z.Store.Put(ctx, z.Key(layout.CheckpointPath(s.Seq)), bytes.NewReader(data), storage.PutOptions{Once: true})
	if err != nil && !errors.Is(err, storage.ErrExists) {
		return fmt.Errorf("put checkpoint %d: %w", s.Seq, err)
	}
	hint := strings.NewReader(strconv.FormatUint(s.Seq, 10))
	if _, err := z.Store.Put(ctx, z.Key(layout.CheckpointHint), hint, storage.PutOptions{}); err != nil {
		return fmt.Errorf("put checkpoint hint: %w", err)
	}
	return nil
}

// CheckpointSeq is the number of the checkpoint that the hint names; 0 if there is no hint.
func (l *Log) CheckpointSeq(ctx context.Context) (uint64, error) {
	data, err := l.get(ctx, l.zone.Key(layout.CheckpointHint))
	if errors.Is(err, storage.ErrNotFound) {
		return 0, nil
	}
	if err != nil {
		return 0, fmt.Errorf("read checkpoint hint: %w", err)
	}
	seq, err := strconv.ParseUint(string(data), 10, 64)
	if err != nil {
		return 0, nil // not a hint; it need not be one
	}
	return seq, nil
}

// newest gives the newest state that a checkpoint holds, or the empty one.
func (l *Log) newest(ctx context.Context) (*State, error) {
	seq, err := l.CheckpointSeq(ctx)
	if err != nil {
		return nil, err
	}
	if seq > 0 {
		if s, err := l.checkpoint(ctx, seq); s != nil || err != nil {
			return s, err
		}
	}
	var seqs []uint64
	for info, err := range l.zone.Store.List(ctx, l.zone.Key(layout.CheckpointPrefix), "") {
		if err != nil {
			return nil, fmt.Errorf("list checkpoints: %w", err)
		}
		if path, err := l.zone.Rel(info.Key); err == nil {
			if n, ok := layout.ParseCheckpoint(path); ok && n != seq {
				seqs = append(seqs, n)
			}
		}
	}
	for _, n := range slices.Backward(seqs) {
		if s, err := l.checkpoint(ctx, n); s != nil || err != nil {
			return s, err
		}
	}
	return Empty(), nil
}

// checkpoint reads one checkpoint and checks that its entry is what it says; nil if it is missing or cannot be read.
func (l *Log) checkpoint(ctx context.Context, seq uint64) (*State, error) {
	data, err := l.get(ctx, l.zone.Key(layout.CheckpointPath(seq)))
	if errors.Is(err, storage.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("read checkpoint %d: %w", seq, err)
	}
	s, err := DecodeCheckpoint(data)
	if err != nil || s.Seq != seq {
		return nil, nil
	}
	r, err := l.Entry(ctx, seq)
	if errors.Is(err, ErrNoEntry) {
		return nil, fmt.Errorf("read checkpoint %d: %w: %w", seq, ErrChain, err)
	}
	if err != nil {
		return nil, err
	}
	if r.Hash != s.Hash {
		return nil, fmt.Errorf("read checkpoint %d: %w: entry %d has another hash than the checkpoint says", seq, ErrChain, seq)
	}
	return s, nil
}
