package lakefile

import (
	"errors"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strings"

	"datalake/pkg/lakefile/grammar"
	"datalake/pkg/schema"
	"datalake/pkg/spell"
)

// Parse reads a lake file that includes no others. name stands in messages. lookup gives the value of ${NAME}; nil means that
// none is set. The error is an Errors that lists all that is wrong, and the File is nil then.
func Parse(name string, text []byte, lookup func(string) (string, bool)) (*File, error) {
	l := newLoader(name, lookup)
	l.read(name, text)
	return l.done()
}

// Load reads the lake file dir/name, and the files that it includes from dir. shown gives the name by which messages call a file
// of dir. An error that is no Errors is one of reading dir/name; it wraps fs.ErrNotExist where there is no such file.
func Load(dir fs.FS, name string, shown func(string) string, lookup func(string) (string, bool)) (*File, error) {
	return load(dir, name, shown, lookup, false)
}

// Check is Load where a secret whose variable is not set is an error like any other.
func Check(dir fs.FS, name string, shown func(string) string, lookup func(string) (string, bool)) (*File, error) {
	return load(dir, name, shown, lookup, true)
}

func load(dir fs.FS, name string, shown func(string) string, lookup func(string) (string, bool), secrets bool) (*File, error) {
	text, err := fs.ReadFile(dir, name)
	if err != nil {
		return nil, fmt.Errorf("read lake file %s: %w", shown(name), reason(err))
	}
	l := newLoader(shown(name), lookup)
	l.dir, l.main, l.shown, l.secrets = dir, name, shown, secrets
	l.read(shown(name), text)
	for _, name := range l.included {
		text, err := fs.ReadFile(dir, name)
		if err != nil {
			l.reader(shown(name)).fail(1, 1, "", "cannot be read: "+reason(err).Error(), "")
			continue
		}
		l.part(shown(name), text)
	}
	return l.done()
}

// loader reads the files of a lake, one after the other, into one File.
type loader struct {
	dir      fs.FS // nil: nothing can be included
	main     string
	shown    func(string) string
	lookup   func(string) (string, bool)
	secrets  bool // they must be there
	file     *File
	errs     Errors
	at       map[string]string // sources.name, curated.name → the place of its declaration
	included []string
	readers  []*reader
	datasets []func() // read the curated data sets, once all sources are known
}

func newLoader(name string, lookup func(string) (string, bool)) *loader {
	return &loader{lookup: lookup, file: &File{Name: name, Version: 1, Sources: map[string]Source{}, Curated: map[string]Curated{}}, at: map[string]string{}}
}

func (l *loader) done() (*File, error) {
	for _, read := range l.datasets {
		read()
	}
	for _, r := range l.readers {
		if l.secrets {
			r.errs = append(r.errs, missing(r.secrets, l.lookup)...)
		}
		r.errs.sort()
		l.errs = append(l.errs, r.errs...)
		r.warnings.sort()
		for _, w := range r.warnings {
			l.file.Warnings = append(l.file.Warnings, w.Error())
		}
		l.file.Secrets = append(l.file.Secrets, r.secrets...)
	}
	if len(l.errs) > 0 {
		return nil, l.errs
	}
	return l.file, nil
}

func (l *loader) reader(name string) *reader {
	r := &reader{builder: builder{file: name, lookup: l.lookup}}
	l.readers = append(l.readers, r)
	return r
}

// read reads the lake file itself.
func (l *loader) read(name string, text []byte) {
	r := l.reader(name)
	m := r.fields(r.tree(text), "", grammar.Root)
	if n := m["version"]; n != nil {
		if s, ok := r.text(n, "version", "allowed is 1"); ok && s != "1" {
			r.bad(n, "version", fmt.Sprintf("version %s is not known", s), "allowed is 1")
		}
	}
	if n := m["zones"]; n != nil {
		l.file.Zones = r.zones(n, "zones")
	}
	if n := m["include"]; n != nil {
		l.include(r, n, "include")
	}
	if n := m["input"]; n != nil {
		l.file.Input = r.input(n, "input")
	}
	l.tables(r, m)
}

// part reads an included file.
func (l *loader) part(name string, text []byte) {
	r := l.reader(name)
	l.tables(r, r.fields(r.tree(text), "", grammar.Part))
}

// tables reads sources and curated data sets.
func (l *loader) tables(r *reader, m map[string]*node) {
	l.each(r, m["sources"], "sources", "its keys are the names of sources", func(e entry, key string) {
		if clean := schema.CleanSource(e.key); clean != e.key {
			r.fail(e.line, e.col, key, fmt.Sprintf("a source's name has small letters, digits and _: write %s", clean), "")
		}
		l.file.Sources[e.key] = r.source(e.value, key)
	})
	l.each(r, m["curated"], "curated", "its keys are the names of data sets", func(e entry, key string) {
		if clean := schema.CleanSource(e.key); clean != e.key {
			r.fail(e.line, e.col, key, fmt.Sprintf("a data set's name has small letters, digits and _: write %s", clean), "")
		}
		l.datasets = append(l.datasets, func() { l.file.Curated[e.key] = r.curated(e.value, key, l.file) })
	})
}

// each goes through a map of names and reports the second declaration of one.
func (l *loader) each(r *reader, n *node, key, what string, f func(entry, string)) {
	if n == nil {
		return
	}
	if n.kind != mapping {
		r.bad(n, key, "a map is needed, this is "+n.kind.String(), what)
		return
	}
	for _, e := range n.entries {
		k := join(key, e.key)
		if first, ok := l.at[k]; ok {
			r.fail(e.line, e.col, k, "it is declared already, in "+first, "it is declared in one place")
			continue
		}
		l.at[k] = fmt.Sprintf("%s:%d:%d", r.file, e.line, e.col)
		f(e, k)
	}
}

// include finds the files that patterns name, sorted by name, each once and without the lake file itself.
func (l *loader) include(r *reader, n *node, key string) {
	const allowed = "a file name or a pattern such as sources/*.yaml, below the lake file's folder"
	for _, x := range r.texts(n, key, allowed) {
		clean := path.Clean(x.text)
		if !fs.ValidPath(clean) || clean == "." {
			r.bad(x.node, x.key, fmt.Sprintf("%q lies outside of the lake file's folder", x.text), allowed)
			continue
		}
		if l.dir == nil {
			r.bad(x.node, x.key, "there is no folder to include from", "")
			continue
		}
		found, err := fs.Glob(l.dir, clean)
		switch {
		case err != nil:
			r.bad(x.node, x.key, fmt.Sprintf("%q is no pattern", x.text), allowed)
		case len(found) > 0:
			l.included = append(l.included, found...)
		case strings.ContainsAny(clean, `*?[\`):
			r.warn(x.line, x.col, x.key, fmt.Sprintf("no file matches %s", x.text))
		default:
			problem := "there is no file " + x.text
			if entries, err := fs.ReadDir(l.dir, path.Dir(clean)); err == nil {
				var names []string
				for _, e := range entries {
					names = append(names, e.Name())
				}
				if near := spell.Nearest(path.Base(clean), names); near != "" {
					problem += fmt.Sprintf(", did you mean %s?", path.Join(path.Dir(clean), near))
				}
			}
			r.bad(x.node, x.key, problem, allowed)
		}
	}
	slices.Sort(l.included)
	l.included = slices.DeleteFunc(slices.Compact(l.included), func(name string) bool { return name == l.main })
}

// reason is an error of reading a file without the file's name, which stands before it.
func reason(err error) error {
	var p *fs.PathError
	if errors.As(err, &p) {
		return p.Err
	}
	return err
}

// Secret is a place in the file that stands for a value of the environment, which the file does not have: env:NAME.
type Secret struct {
	// Name is the variable's.
	Name string
	// File, Line, Column and Key are the place, as those of an Error.
	File         string
	Line, Column int
	Key          string
}

// Missing gives an error for each secret whose variable is not set or empty, nil if there is none. A run needs all of them; who only
// looks at tables needs none.
func (f *File) Missing(lookup func(string) (string, bool)) error {
	if f == nil {
		return nil
	}
	if errs := missing(f.Secrets, lookup); len(errs) > 0 {
		return errs
	}
	return nil
}

func missing(secrets []Secret, lookup func(string) (string, bool)) (errs Errors) {
	for _, s := range secrets {
		if v, ok := lookup(s.Name); !ok || v == "" {
			errs = append(errs, &Error{
				File: s.File, Line: s.Line, Column: s.Column, Key: s.Key,
				Problem: fmt.Sprintf("the variable %s is not set", s.Name), Allowed: "set it in the environment; its value is stored nowhere",
			})
		}
	}
	return errs
}
