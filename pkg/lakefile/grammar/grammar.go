// Package grammar is the table of lake.yaml's keys: what each means, what may stand there, what holds where nothing does. The reader in
// package lakefile goes by it, and the JSON Schema for editors and the reference for people are made of it, so that the three
// agree. It holds what can be said of one key alone; what keys ask of each other, the reader checks.
package grammar

import (
	"fmt"
	"slices"
	"strings"
)

// Object is a map of the file with keys of its own.
type Object struct {
	// Name is that of its JSON Schema definition, Title its heading, Doc what it is.
	Name, Title, Doc string
	Fields           []Field
	// Wrap is a lake file with %s where an example of the object stands.
	Wrap string
}

// Field is a key of an object.
type Field struct {
	Name     string
	Value    Value
	Required bool
	// Default says what holds where the key is absent; empty: nothing.
	Default string
	// Doc is the meaning, in whole sentences.
	Doc string
	// For names the kinds of types that the key is for; nil: all, or what the reader checks.
	For []string
	// Example is the whole object, in flow style, with the key in it.
	Example string
}

// Value is what may stand at a key: any of the forms that are set. Null stands for an absent key everywhere.
type Value struct {
	Words []string
	// Text says what a text is; empty: no free text. Empty: "" is one, too.
	Text  string
	Empty bool
	// Pattern is what a text must match for an editor; empty: anything.
	Pattern string
	Bool    bool
	// Low and High bound an integer; both 0: none.
	Low, High int
	// Scalar is a value of a column's type: text, number or boolean.
	Scalar bool
	// List is a list of these; One: one of them also stands for a list of one.
	List *Value
	One  bool
	// Object is a map with known keys, Map one whose keys are names.
	Object *Object
	Map    *Value
}

// Names lists the object's keys.
func (o *Object) Names() []string {
	out := make([]string, len(o.Fields))
	for i, f := range o.Fields {
		out[i] = f.Name
	}
	return out
}

// Field gives the key of that name, which must be there.
func (o *Object) Field(name string) Field {
	i := slices.IndexFunc(o.Fields, func(f Field) bool { return f.Name == name })
	if i < 0 {
		panic(fmt.Sprintf("%s has no key %s", o.Name, name))
	}
	return o.Fields[i]
}

// Words are the words that may stand at a key.
func (o *Object) Words(name string) []string { return o.Field(name).Value.Words }

// Allowed says in words what a value may be.
func (v Value) Allowed() string {
	var forms []string
	if v.Bool {
		forms = append(forms, "`true`, `false`")
	}
	if len(v.Words) > 0 {
		forms = append(forms, "`"+strings.Join(v.Words, "`, `")+"`")
	}
	if v.High > 0 && v.Low == v.High {
		forms = append(forms, fmt.Sprintf("`%d`", v.Low))
	} else if v.High > 0 {
		forms = append(forms, fmt.Sprintf("an integer from %d to %d", v.Low, v.High))
	}
	if v.Scalar {
		forms = append(forms, "a value of the column's type")
	}
	if v.Text != "" {
		forms = append(forms, v.Text)
	}
	if v.List != nil {
		s := "a list: " + v.List.Allowed()
		if v.One {
			s += "; one alone is a list of one"
		}
		forms = append(forms, s)
	}
	if v.Object != nil {
		forms = append(forms, fmt.Sprintf("a map: [%s](#%s)", v.Object.Title, anchor(v.Object.Title)))
	}
	if v.Map != nil {
		forms = append(forms, "a map from names to: "+v.Map.Allowed())
	}
	return strings.Join(forms, ", or ")
}

// Types says what a key is for, empty where it is for all types.
func (f Field) Types() string { return strings.Join(f.For, ", ") }

// anchor is the fragment of a heading.
func anchor(title string) string { return strings.ReplaceAll(strings.ToLower(title), " ", "-") }
