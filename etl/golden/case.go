package golden

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/klauspost/compress/zstd"
	"github.com/rogpeppe/go-internal/txtar"
)

// Case is one golden case: objects that go in, run by run, and what must come out. Its file is described in testdata/golden/README.md.
type Case struct {
	archive *txtar.Archive
	runs    []*run
}

// run is what stands before and after one run of the engine.
type run struct {
	objects []object
	lake    []byte // nil: as before
	expects []*expect
}

// object is an object of the raw zone, its key relative to the zone.
type object struct {
	key  string
	data []byte
	time time.Time // of the store; zero: the run's
}

// expect is one section of expectations.
type expect struct {
	kind, source string      // source: of schema and rows
	file         *txtar.File // where -update writes
}

// The kinds of expectations.
const (
	kindBalance  = "balance"
	kindSchema   = "schema"
	kindRows     = "rows"
	kindRejects  = "rejects"
	kindWarnings = "warnings"
	kindError    = "error"
)

var (
	sectionName = regexp.MustCompile(`^(?:([1-9])/)?(?:(lake\.yaml)|raw/(.+)|(balance|rejects|warnings|error)|(schema|rows) ([a-z0-9_]+))$`)
	directive   = regexp.MustCompile(`^(.*) \(([^()]*)\)$`)
)

// Parse reads a case. Errors name the section.
func Parse(text []byte) (*Case, error) {
	c := &Case{archive: txtar.Parse(text)}
	if len(bytes.TrimSpace(c.archive.Comment)) == 0 {
		return nil, fmt.Errorf("the first lines must say what the case shows")
	}
	last := 1
	for i := range c.archive.Files {
		if m := sectionName.FindStringSubmatch(plainName(c.archive.Files[i].Name)); m != nil && m[1] != "" {
			last = max(last, int(m[1][0]-'0'))
		}
	}
	for range last {
		c.runs = append(c.runs, &run{})
	}
	for i := range c.archive.Files {
		f := &c.archive.Files[i]
		m := sectionName.FindStringSubmatch(plainName(f.Name))
		if m == nil {
			return nil, fmt.Errorf("section %q: unknown; there are raw/<source>/…, lake.yaml, rows <source>, schema <source>, rejects, balance, warnings and error", f.Name)
		}
		r := c.runs[0]
		switch isInput := m[2] != "" || m[3] != ""; {
		case m[1] != "":
			r = c.runs[m[1][0]-'1']
		case !isInput:
			r = c.runs[last-1]
		}
		switch {
		case m[2] != "":
			r.lake = f.Data
		case m[3] != "":
			o, err := parseObject(m[3], f)
			if err != nil {
				return nil, fmt.Errorf("section %q: %w", f.Name, err)
			}
			r.objects = append(r.objects, o)
		default:
			r.expects = append(r.expects, &expect{kind: m[4] + m[5], source: m[6], file: f})
		}
	}
	return c, nil
}

// plainName is a section's name without its directives.
func plainName(name string) string {
	for {
		m := directive.FindStringSubmatch(name)
		if m == nil {
			return name
		}
		name = m[1]
	}
}

// parseObject makes an object's bytes: the section's text, changed by the directives from left to right.
func parseObject(key string, f *txtar.File) (object, error) {
	o := object{key: key, data: f.Data}
	var directives []string
	for name := f.Name; ; {
		m := directive.FindStringSubmatch(name)
		if m == nil {
			break
		}
		name, directives = m[1], append([]string{m[2]}, directives...)
	}
	members := 1 // lengths of gzip members
	for _, d := range directives {
		word, arg, _ := strings.Cut(d, " ")
		n := 0
		switch word {
		case "split", "cut", "flip", "pad", "times":
			var err error
			if n, err = strconv.Atoi(arg); err != nil || n < 0 {
				return o, fmt.Errorf("(%s): a number is needed", d)
			}
			if (word == "cut" || word == "flip" || word == "split") && n > len(o.data) {
				return o, fmt.Errorf("(%s): there are %d bytes", d, len(o.data))
			}
		}
		var err error
		switch word {
		case "crlf":
			o.data = bytes.ReplaceAll(o.data, []byte("\n"), []byte("\r\n"))
		case "nonl":
			o.data = bytes.TrimSuffix(bytes.TrimSuffix(o.data, []byte("\n")), []byte("\r"))
		case "bom":
			o.data = append([]byte("\ufeff"), o.data...)
		case "bytes":
			o.data, err = unhex(o.data)
		case "times":
			o.data = bytes.Repeat(o.data, n)
		case "split":
			members = n
		case "gzip":
			o.data, err = gzipped(o.data, members)
		case "zstd":
			o.data, err = zstded(o.data)
		case "cut":
			o.data = o.data[:len(o.data)-n]
		case "flip":
			o.data = bytes.Clone(o.data)
			o.data[len(o.data)-n] ^= 0xff
		case "pad":
			o.data = append(bytes.Clone(o.data), make([]byte, n)...)
		case "at":
			o.time, err = time.Parse(time.RFC3339, arg)
		default:
			err = fmt.Errorf("unknown")
		}
		if err != nil {
			return o, fmt.Errorf("(%s): %w", d, err)
		}
	}
	return o, nil
}

var hexBytes = regexp.MustCompile(`«([0-9a-f ]*)(?:\*(\d+))?»`)

// unhex puts the bytes that «ff 00» or «5b*100» name in its place.
func unhex(text []byte) ([]byte, error) {
	var failed error
	out := hexBytes.ReplaceAllFunc(text, func(match []byte) []byte {
		m := hexBytes.FindSubmatch(match)
		b, err := hex.DecodeString(strings.ReplaceAll(string(m[1]), " ", ""))
		if err != nil {
			failed = err
		}
		if len(m[2]) > 0 {
			n, _ := strconv.Atoi(string(m[2]))
			b = bytes.Repeat(b, n)
		}
		return b
	})
	return out, failed
}

// gzipped gives one member, or two, the first of which holds the first split bytes.
func gzipped(data []byte, split int) ([]byte, error) {
	var out bytes.Buffer
	parts := [][]byte{data}
	if split > 1 {
		parts = [][]byte{data[:split], data[split:]}
	}
	for _, p := range parts {
		z := gzip.NewWriter(&out)
		if _, err := z.Write(p); err != nil {
			return nil, err
		}
		if err := z.Close(); err != nil {
			return nil, err
		}
	}
	return out.Bytes(), nil
}

func zstded(data []byte) ([]byte, error) {
	z, err := zstd.NewWriter(nil, zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	out := z.EncodeAll(data, nil)
	return out, z.Close()
}
