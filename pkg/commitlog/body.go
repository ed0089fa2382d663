package commitlog

import (
	"bytes"
	"cmp"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/planted"
)

// Encode sorts the body and gives its bytes, and what an entry says of them but the key. Errors: those of Validate.
func (b *Body) Encode() ([]byte, BodyRef, error) {
	slices.SortFunc(b.Inputs, Input.compare)
	slices.SortFunc(b.Acts, func(x, y Act) int { return x.Partition.Compare(y.Partition) })
	if err := b.Validate(); err != nil {
		return nil, BodyRef{}, err
	}
	text, err := json.Marshal(b)
	if err != nil {
		return nil, BodyRef{}, fmt.Errorf("encode body: %w", err)
	}
	c, err := codec()
	if err != nil {
		return nil, BodyRef{}, err
	}
	data := c.enc.EncodeAll(text, nil)
	return data, BodyRef{SHA256: Hash(data), Size: int64(len(data))}, nil
}

// DecodeBody reads a body. Errors: ErrChain.
func DecodeBody(data []byte) (*Body, error) {
	text, err := bodyText(data)
	if err != nil {
		return nil, err
	}
	var inputs inputList
	if rest, ok := scanInputs(text, inputs.add); ok {
		b, err := unmarshalRest(rest)
		if err != nil {
			return nil, err
		}
		b.Inputs = inputs.all
		return b, nil
	}
	return unmarshalBody(text)
}

// decodeActs reads a body without its inputs, which are the most of it. Errors: ErrChain.
func decodeActs(data []byte) (*Body, error) {
	text, err := bodyText(data)
	if err != nil {
		return nil, err
	}
	if rest, ok := scanInputs(text, func(*rawInput) {}); ok {
		return unmarshalRest(rest)
	}
	b, err := unmarshalBody(text)
	if err != nil {
		return nil, err
	}
	b.Inputs = nil
	return b, nil
}

// folded is a body without its inputs, and what the ledger keeps of these.
type folded struct {
	*Body
	inputs *run
}

// decodeFold reads the body of entry seq. Errors: ErrChain, ErrInvalid.
func decodeFold(seq uint64) func(data []byte) (folded, error) {
	return func(data []byte) (f folded, err error) {
		text, err := bodyText(data)
		if err != nil {
			return f, err
		}
		var g gatherer
		empty := 0
		rest, ok := scanInputs(text, func(in *rawInput) {
			if len(in.key) == 0 || len(in.etag) == 0 {
				empty++
			}
			g.add(in.key, in.etag)
		})
		if !ok {
			if f.Body, err = unmarshalBody(text); err != nil {
				return f, err
			}
			f.inputs, err = runOf(f.Inputs, seq)
			return f, err
		}
		if f.Body, err = unmarshalRest(rest); err != nil {
			return f, err
		}
		if empty > 0 {
			return f, fmt.Errorf("%w: %d inputs without key or ETag", ErrInvalid, empty)
		}
		f.inputs, err = g.run(seq)
		return f, err
	}
}

func bodyText(data []byte) ([]byte, error) {
	c, err := codec()
	if err != nil {
		return nil, err
	}
	var h zstd.Header
	if err := h.Decode(data); err != nil {
		return nil, fmt.Errorf("%w: body: %w", ErrChain, err)
	}
	if most := uint64(len(data)) * mostExpansion; h.FrameContentSize > most { // the decoder would make room for all that it says
		return nil, fmt.Errorf("%w: body: %d bytes cannot hold the %d that they say", ErrChain, len(data), h.FrameContentSize)
	}
	text, err := c.dec.DecodeAll(data, nil)
	if err != nil {
		return nil, fmt.Errorf("%w: body: %w", ErrChain, err)
	}
	return text, nil
}

// mostExpansion is how many bytes one byte of zstd can stand for: a block of at least 4 bytes makes at most 128 KiB.
const mostExpansion = 32 << 10

func unmarshalBody(text []byte) (*Body, error) {
	b := &Body{}
	if err := json.Unmarshal(text, b); err != nil {
		return nil, fmt.Errorf("%w: body: %w", ErrChain, err)
	}
	return b, nil
}

// unmarshalRest reads what scanInputs left.
func unmarshalRest(text []byte) (*Body, error) {
	b, err := unmarshalBody(text)
	if err == nil && b.Inputs != nil {
		err = fmt.Errorf("%w: body: inputs twice", ErrChain)
	}
	return b, err
}

// compare orders inputs by key, then by ETag.
func (in Input) compare(other Input) int {
	return cmp.Or(strings.Compare(in.Key, other.Key), strings.Compare(in.ETag, other.ETag))
}

// Validate says all that is wrong with a body by itself. Its errors are ErrInvalid.
func (b *Body) Validate() error {
	v := validation{}
	inputs := b.Inputs
	if !slices.IsSortedFunc(inputs, Input.compare) {
		inputs = slices.SortedFunc(slices.Values(inputs), Input.compare)
	}
	for i := range inputs {
		in := &inputs[i]
		if in.Key == "" || in.ETag == "" {
			v.check(false, "an input without key or ETag: %q, %q", in.Key, in.ETag)
		}
		if i > 0 && in.compare(inputs[i-1]) == 0 {
			v.check(false, "input %s twice", in.Key)
		}
	}
	acts := make(map[Partition]bool, len(b.Acts))
	for i := range b.Acts {
		a := &b.Acts[i]
		v.check(a.Zone != "" && a.Path != "", "an act without partition")
		v.check(!acts[a.Partition], "two acts on %s", a.Partition)
		acts[a.Partition] = true
		v.act(a)
	}
	for _, source := range slices.Sorted(maps.Keys(b.Counts)) {
		if err := b.Counts[source].Balance(); err != nil {
			v.check(false, "source %s: %v", source, err)
		}
	}
	return v.err()
}

func (v *validation) act(a *Act) {
	switch a.Kind {
	case Add:
		v.check(len(a.Files) == 1, "%s: add of %d files, it must be one", a.Partition, len(a.Files))
	case New:
		v.check(len(a.Files) > 0, "%s: new without files", a.Partition)
	case Swap:
	default:
		v.check(false, "%s: unknown act %q", a.Partition, a.Kind)
	}
	v.check(!a.Same || a.Kind == Swap, "%s: %s of the same rows", a.Partition, a.Kind)
	v.check(strings.HasSuffix(a.Dir, "/"), "%s: directory %q does not end in a slash", a.Partition, a.Dir)
	names := make(map[string]bool, len(a.Files))
	for _, f := range a.Files {
		v.check(f.Name != "" && !strings.Contains(f.Name, "/"), "%s: file name %q", a.Partition, f.Name)
		v.check(!names[f.Name] || planted.Bug("double-file"), "%s: file %s twice", a.Partition, f.Name)
		v.check(len(f.SHA256) == 64 && f.Key != "" && f.Size > 0 && f.Rows >= 0, "%s: file %s lacks hash, key or size", a.Partition, f.Name)
		names[f.Name] = true
	}
}

// validation gathers faults, the first twenty in full.
type validation struct {
	faults bytes.Buffer
	n      int
}

func (v *validation) check(ok bool, format string, args ...any) {
	if ok {
		return
	}
	if v.n++; v.n <= 20 {
		fmt.Fprintf(&v.faults, "; "+format, args...)
	}
}

func (v *validation) err() error {
	if v.n == 0 {
		return nil
	}
	more := ""
	if v.n > 20 {
		more = fmt.Sprintf("; and %d more", v.n-20)
	}
	return fmt.Errorf("%w: %s%s", ErrInvalid, v.faults.String()[2:], more)
}
