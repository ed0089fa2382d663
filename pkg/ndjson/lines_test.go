package ndjson_test

import (
	"bytes"
	"errors"
	"io"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"datalake/pkg/ndjson"
)

func pack(t *testing.T, text string) []byte {
	t.Helper()
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		t.Fatal(err)
	}
	defer z.Close()
	return z.EncodeAll([]byte(text), nil)
}

func read(r io.Reader) (lines []string, err error) {
	for line, err := range ndjson.Lines(r) {
		if err != nil {
			return lines, err
		}
		lines = append(lines, string(line))
	}
	return lines, nil
}

func TestLines(t *testing.T) {
	long := strings.Repeat("x", 200_000)
	for text, want := range map[string][]string{
		"":                               nil,
		"\n \n":                          nil,
		"a\nb":                           {"a", "b"},
		"a\r\n\nb\n":                     {"a", "b"},
		long + "\n" + "s\n" + long + "y": {long, "s", long + "y"},
	} {
		got, err := read(bytes.NewReader(pack(t, text)))
		if err != nil || !slices.Equal(got, want) {
			t.Errorf("%.20q: %.60q, %v", text, got, err)
		}
	}
	for line := range ndjson.Lines(bytes.NewReader(pack(t, "a\nb\n"))) {
		if string(line) != "a" {
			t.Errorf("after the end: %s", line)
		}
		break
	}
}

func TestLinesErrors(t *testing.T) {
	if got, err := read(strings.NewReader("not zstd")); err == nil || len(got) > 0 {
		t.Errorf("%q, %v", got, err)
	}
	whole := pack(t, strings.Repeat("some text\n", 100))
	if _, err := read(bytes.NewReader(whole[:len(whole)-3])); err == nil {
		t.Error("a file that is cut reads as whole")
	}
	broken := errors.New("broken")
	if _, err := read(io.MultiReader(bytes.NewReader(whole[:10]), errReader{broken})); !errors.Is(err, broken) {
		t.Errorf("error %v", err)
	}
}

type errReader struct{ err error }

func (r errReader) Read([]byte) (int, error) { return 0, r.err }
