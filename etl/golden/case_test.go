package golden

import (
	"strings"
	"testing"

	"github.com/rogpeppe/go-internal/txtar"
)

func TestParseCase(t *testing.T) {
	c, err := Parse([]byte("Two runs.\n-- 1/raw/s/a.json (crlf) (nonl) --\n1\n2\n-- 2/lake.yaml --\nversion: 1\n-- 1/balance --\n-- rows s --\nx\n"))
	if err != nil {
		t.Fatal(err)
	}
	if len(c.runs) != 2 || string(c.runs[0].objects[0].data) != "1\r\n2" || string(c.runs[1].lake) != "version: 1\n" ||
		len(c.runs[0].expects) != 1 || c.runs[1].expects[0].kind != kindRows || c.runs[1].expects[0].source != "s" {
		t.Errorf("got %+v, %+v", c.runs[0], c.runs[1])
	}
	for text, want := range map[string]string{
		"-- raw/s/a --\n":              "what the case shows",
		"x\n-- row s --\n":             `section "row s": unknown`,
		"x\n-- raw/s/a (zip) --\n":     `(zip): unknown`,
		"x\n-- raw/s/a (cut 9) --\n":   "there are 0 bytes",
		"x\n-- raw/s/a (cut) --\n":     "a number is needed",
		"x\n-- raw/s/a (at noon) --\n": "(at noon)",
	} {
		if _, err := Parse([]byte(text)); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%q: error %v, want %q", text, err, want)
		}
	}
}

func TestDirectives(t *testing.T) {
	for name, want := range map[string]string{
		"raw/s/a (bytes)":                    "x\xff\x00(((\n",
		"raw/s/a (bytes) (nonl)":             "x\xff\x00(((",
		"raw/s/a (bytes) (bom)":              "\ufeffx\xff\x00(((\n",
		"raw/s/a (bytes) (flip 1) (times 2)": "x\xff\x00(((\xf5x\xff\x00(((\xf5",
		"raw/s/a (bytes) (cut 2) (pad 1)":    "x\xff\x00((\x00",
	} {
		o, err := parseObject("a", &txtar.File{Name: name, Data: []byte("x«ff 00»«28*3»\n")})
		if err != nil || string(o.data) != want {
			t.Errorf("%s: %q, %v, want %q", name, o.data, err, want)
		}
	}
}
