package expr

import (
	"strings"
	"unicode/utf8"
)

var texts = []*function{
	{name: "size", doc: "Characters, bytes, elements.", global: true, member: true, takes: []signature{{tInt, tString}, {tInt, tBytes}, {tInt, tListA}, {tInt, tMapA}}, one: size},
	{name: "contains", member: true, takes: []signature{{tBool, tString, tString}}, two: onTexts("contains", func(a, b string) Value { return Bool(strings.Contains(a, b)) })},
	{name: "startsWith", member: true, takes: []signature{{tBool, tString, tString}}, two: onTexts("startsWith", func(a, b string) Value { return Bool(strings.HasPrefix(a, b)) })},
	{name: "endsWith", member: true, takes: []signature{{tBool, tString, tString}}, two: onTexts("endsWith", func(a, b string) Value { return Bool(strings.HasSuffix(a, b)) })},
	{name: "matches", doc: "Whether an RE2 expression matches somewhere in the text. It is the same for all rows.", global: true, member: true, takes: []signature{{tBool, tString, tString}}},
	{name: "lowerAscii", doc: "A–Z small.", member: true, takes: []signature{{tString, tString}}, one: onText("lowerAscii", func(s string) string { return ascii(s, 'A', 'Z') })},
	{name: "upperAscii", doc: "a–z large.", member: true, takes: []signature{{tString, tString}}, one: onText("upperAscii", func(s string) string { return ascii(s, 'a', 'z') })},
	{name: "lower", doc: "All letters small.", member: true, takes: []signature{{tString, tString}}, one: onText("lower", strings.ToLower)},
	{name: "upper", doc: "All letters large.", member: true, takes: []signature{{tString, tString}}, one: onText("upper", strings.ToUpper)},
	{name: "trim", doc: "Without white space at both ends.", member: true, takes: []signature{{tString, tString}}, one: onText("trim", strings.TrimSpace)},
	{name: "charAt", doc: "The character, counted from 0.", member: true, takes: []signature{{tString, tString, tInt}}, two: func(a, b Value) Value {
		if b.kind == KindInt && b.Int() == size(a).Int() && a.kind == KindString {
			return String("")
		}
		return part(a, b, add(b, Int(1)))
	}},
	{name: "indexOf", doc: "Where the text begins, counted from 0; -1 where it is not there.", member: true, takes: []signature{{tInt, tString, tString}}, two: onTexts("indexOf", func(a, b string) Value {
		i := strings.Index(a, b)
		if i > 0 {
			i = utf8.RuneCountInString(a[:i])
		}
		return Int(int64(i))
	})},
	{name: "replace", doc: "All of the first replaced by the second.", member: true, takes: []signature{{tString, tString, tString, tString}}, three: func(a, b, c Value) Value {
		if a.kind != KindString || b.kind != KindString || c.kind != KindString {
			return noOperands("replace", a, b, c)
		}
		return String(strings.ReplaceAll(a.text, b.text, c.text))
	}},
	{name: "split", member: true, takes: []signature{{tStrings, tString, tString}}, two: onTexts("split", func(a, b string) Value {
		parts := strings.Split(a, b)
		out := make([]Value, len(parts))
		for i, p := range parts {
			out[i] = String(p)
		}
		return List(out)
	})},
	{name: "join", doc: "With the second between them; nulls are left out.", member: true, takes: []signature{{tString, tStrings}, {tString, tStrings, tString}}, many: func(v []Value) Value {
		sep := ""
		if len(v) == 2 {
			sep = v[1].text
		}
		if v[0].kind != KindList {
			return noOperands("join", v...)
		}
		var parts []string
		for _, x := range v[0].List() {
			switch x.kind {
			case KindString:
				parts = append(parts, x.text)
			case KindNull: // a null says nothing
			default:
				return noOperands("join", x)
			}
		}
		return String(strings.Join(parts, sep))
	}},
	{name: "substring", doc: "From a character, counted from 0, to before another.", member: true, takes: []signature{{tString, tString, tInt}, {tString, tString, tInt, tInt}}, many: func(v []Value) Value {
		if len(v) == 3 {
			return part(v[0], v[1], v[2])
		}
		if v[0].kind != KindString {
			return noOperands("substring", v...)
		}
		return part(v[0], v[1], size(v[0]))
	}},
}

func onText(name string, f func(string) string) func(Value) Value {
	return func(a Value) Value {
		if a.kind != KindString {
			return noOperands(name, a)
		}
		return String(f(a.text))
	}
}

func onTexts(name string, f func(a, b string) Value) func(a, b Value) Value {
	return func(a, b Value) Value {
		if a.kind != KindString || b.kind != KindString {
			return noOperands(name, a, b)
		}
		return f(a.text, b.text)
	}
}

// ascii changes the case of the letters from low to high.
func ascii(s string, low, high byte) string {
	return strings.Map(func(r rune) rune {
		if r >= rune(low) && r <= rune(high) {
			return r ^ 0x20
		}
		return r
	}, s)
}

// size counts the characters of text, the bytes of binary, the elements of lists and maps.
func size(a Value) Value {
	switch a.kind {
	case KindString:
		return Int(int64(utf8.RuneCountInString(a.text)))
	case KindBytes:
		return Int(int64(len(a.text)))
	case KindList:
		return Int(int64(len(a.List())))
	case KindMap:
		return Int(int64(len(a.Map())))
	}
	return noOperands("size", a)
}

// part is the characters of a text from position from to before position to.
func part(a, from, to Value) Value {
	if a.kind != KindString || from.kind != KindInt || to.kind != KindInt {
		return noOperands("substring", a, from, to)
	}
	i, j := from.Int(), to.Int()
	if n := size(a).Int(); i < 0 || j < i || j > n {
		return fail("the text has no such characters")
	}
	n, start := int64(0), len(a.text)
	for at := range a.text {
		if n == i {
			start = at
		}
		if n == j {
			return String(a.text[min(start, at):at])
		}
		n++
	}
	return String(a.text[start:])
}
