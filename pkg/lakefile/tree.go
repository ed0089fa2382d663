package lakefile

import (
	"bytes"
	"errors"
	"fmt"
	"strings"

	"github.com/goccy/go-yaml"
	"github.com/goccy/go-yaml/ast"
	"github.com/goccy/go-yaml/parser"
	"github.com/goccy/go-yaml/token"
)

// kind is what a node is.
type kind uint8

const (
	null kind = iota
	scalar
	list
	mapping
)

func (k kind) String() string { return [...]string{"nothing", "a value", "a list", "a map"}[k] }

// node is a part of the file, with its place: the YAML library's tree without its many shapes.
type node struct {
	kind      kind
	line, col int
	text      string // scalar: the value's text, with ${NAME} replaced; null: the word for it, if there is one
	raw       string // scalar: the text without replacement
	block     bool   // scalar: a block of text, whose lines begin below it
	quoted    bool   // scalar: it was in quotes or is a block of text, so that it is no boolean and no number
	items     []*node
	entries   []entry
}

type entry struct {
	key       string
	line, col int
	value     *node
}

// The bounds of a file: how deep values nest (the grammar needs some 10), and how many there are, since aliases of aliases multiply.
const (
	maxDepth = 32
	maxNodes = 200_000
)

// builder makes nodes of the library's tree.
type builder struct {
	file    string
	lookup  func(string) (string, bool)
	anchors map[string]ast.Node
	nodes   int
	lines   []string // of the file's text
	errs    Errors
}

func (b *builder) fail(line, col int, key, problem, allowed string) {
	b.errs = append(b.errs, &Error{File: b.file, Line: line, Column: col, Key: key, Problem: problem, Allowed: allowed})
}

// tree parses text into one node; an empty file is a null node. What is wrong is in b.errs.
func (b *builder) tree(text []byte) *node {
	text = bytes.TrimPrefix(text, []byte("\xef\xbb\xbf")) // the mark that some editors put first
	b.lines = strings.Split(string(text), "\n")
	f, err := parser.ParseBytes(text, 0, parser.AllowDuplicateMapKey())
	if err != nil {
		line, col, msg := 1, 1, err.Error()
		var y yaml.Error
		if errors.As(err, &y) {
			msg = y.GetMessage()
			if t := y.GetToken(); t != nil && t.Position != nil {
				line, col = t.Position.Line, t.Position.Column
			}
		}
		b.fail(line, col, "", "not YAML: "+msg, "")
		return &node{}
	}
	var root *node
	for _, d := range f.Docs {
		if d == nil || d.Body == nil || d.Body.Type() == ast.DirectiveType {
			continue
		}
		if root != nil {
			line, col := place(d.Body)
			b.fail(line, col, "", "a second document", "a lake file is one document")
			break
		}
		root = b.build(d.Body, "", 0)
	}
	if root == nil {
		root = &node{line: 1, col: 1}
	}
	return root
}

// place is where a node's text begins.
func place(n ast.Node) (line, col int) {
	switch v := n.(type) {
	case *ast.MappingNode:
		if !v.IsFlowStyle && len(v.Values) > 0 {
			return place(v.Values[0])
		}
	case *ast.MappingValueNode:
		return place(v.Key)
	}
	if t := n.GetToken(); t != nil && t.Position != nil {
		return t.Position.Line, t.Position.Column
	}
	return 1, 1
}

func (b *builder) build(n ast.Node, key string, depth int) *node {
	out := &node{}
	out.line, out.col = place(n)
	if depth > maxDepth {
		b.fail(out.line, out.col, key, "nested too deep", "")
		return out
	}
	if b.nodes++; b.nodes >= maxNodes {
		if b.nodes == maxNodes {
			b.fail(out.line, out.col, key, fmt.Sprintf("the file holds more than %d values", maxNodes), "")
		}
		return out
	}
	switch v := n.(type) {
	case *ast.NullNode:
		if w := v.GetToken().Value; w == "null" || w == "~" {
			out.text = w
		}
	case *ast.CommentGroupNode:
	case *ast.StringNode:
		out.kind, out.quoted = scalar, v.Token.Type == token.SingleQuoteType || v.Token.Type == token.DoubleQuoteType
		out.raw = v.Value
		out.text = b.expand(v.Value, out, key)
	case *ast.LiteralNode:
		out.kind, out.quoted, out.block, out.raw = scalar, true, true, v.Value.Value
		out.text = b.expand(v.Value.Value, out, key)
	case *ast.IntegerNode, *ast.FloatNode, *ast.BoolNode, *ast.InfinityNode, *ast.NanNode:
		out.kind, out.text = scalar, n.GetToken().Value
		out.raw = out.text
	case *ast.SequenceNode:
		out.kind = list
		for i, x := range v.Values {
			out.items = append(out.items, b.build(x, fmt.Sprintf("%s[%d]", key, i+1), depth+1))
		}
	case *ast.MappingNode:
		out.kind = mapping
		for _, x := range v.Values {
			b.entry(out, x, key, depth)
		}
	case *ast.MappingValueNode:
		out.kind = mapping
		b.entry(out, v, key, depth)
	case *ast.AnchorNode:
		if b.anchors == nil {
			b.anchors = map[string]ast.Node{}
		}
		x := b.build(v.Value, key, depth+1)
		// Named only now, so that a node cannot hold itself.
		b.anchors[v.Name.GetToken().Value] = v.Value
		return x
	case *ast.AliasNode:
		name := v.Value.GetToken().Value
		to, ok := b.anchors[name]
		if !ok {
			b.fail(out.line, out.col, key, fmt.Sprintf("no anchor &%s stands before this", name), "")
			return out
		}
		return b.build(to, key, depth+1)
	case *ast.TagNode:
		b.fail(out.line, out.col, key, "tags are not part of a lake file", "")
	default:
		b.fail(out.line, out.col, key, "this YAML is not part of a lake file", "")
	}
	return out
}

func (b *builder) entry(out *node, v *ast.MappingValueNode, key string, depth int) {
	e := entry{}
	e.line, e.col = place(v.Key)
	if v.Key.IsMergeKey() {
		b.fail(e.line, e.col, join(key, "<<"), "merge keys are not part of a lake file", "")
		return
	}
	switch k := v.Key.(type) {
	case *ast.StringNode:
		e.key = k.Value
	default:
		e.key = k.GetToken().Value
	}
	for _, x := range out.entries {
		if x.key == e.key {
			b.fail(e.line, e.col, join(key, e.key), fmt.Sprintf("the key is there twice, first in line %d", x.line), "")
			return
		}
	}
	e.value = b.build(v.Value, join(key, e.key), depth+1)
	out.entries = append(out.entries, e)
}

func join(key, next string) string {
	if key == "" {
		return next
	}
	return key + "." + next
}

// expand replaces each ${NAME}; $${ is ${.
func (b *builder) expand(s string, at *node, key string) string {
	if !strings.Contains(s, "${") {
		return s
	}
	var out strings.Builder
	for {
		i := strings.Index(s, "${")
		if i < 0 {
			out.WriteString(s)
			return out.String()
		}
		if i > 0 && s[i-1] == '$' {
			out.WriteString(s[:i-1] + "${")
			s = s[i+2:]
			continue
		}
		out.WriteString(s[:i])
		s = s[i+2:]
		name, rest, ok := strings.Cut(s, "}")
		switch {
		case !ok:
			b.fail(at.line, at.col, key, "${ without }", "write ${NAME}, or $${ for the two characters themselves")
			return out.String()
		case !isEnvName(name):
			b.fail(at.line, at.col, key, fmt.Sprintf("${%s} names no variable", name), "a name has letters, digits and _; write $${ for the two characters themselves")
		default:
			v, ok := "", false
			if b.lookup != nil {
				v, ok = b.lookup(name)
			}
			if !ok {
				b.fail(at.line, at.col, key, fmt.Sprintf("the variable %s is not set", name), "")
			}
			out.WriteString(v)
		}
		s = rest
	}
}

func isEnvName(s string) bool {
	for i := range len(s) {
		c := s[i]
		if c != '_' && (c|0x20 < 'a' || c|0x20 > 'z') && (i == 0 || c < '0' || c > '9') {
			return false
		}
	}
	return s != ""
}
