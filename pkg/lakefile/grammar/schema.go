package grammar

import (
	"bytes"
	"encoding/json"
	"strings"
)

// Schema is the JSON Schema (draft 7) of lake files, for editors. It takes every file that the reader takes, and refuses unknown keys,
// wrong words and wrong shapes; what keys ask of each other it cannot say.
func Schema() []byte {
	defs := map[string]any{
		"env": map[string]any{"type": "string", "pattern": `\$\{`, "description": "a value with ${NAME} in it"},
	}
	root := Root.schema(defs)
	root["$schema"] = "http://json-schema.org/draft-07/schema#"
	root["title"] = "lake.yaml"
	root["type"] = []string{"object", "null"}
	root["definitions"] = defs
	var out bytes.Buffer
	e := json.NewEncoder(&out)
	e.SetEscapeHTML(false)
	e.SetIndent("", "  ")
	if err := e.Encode(root); err != nil {
		panic(err) // maps, lists and texts: this cannot be
	}
	return out.Bytes()
}

func (o *Object) schema(defs map[string]any) map[string]any {
	properties := map[string]any{}
	var required []string
	for _, f := range o.Fields {
		p := f.Value.schema(defs)
		p["description"] = plainText(f.Doc)
		if f.Default != "" {
			p["description"] = plainText(f.Doc + " Default: " + f.Default + ".")
		}
		properties[f.Name] = p
		if f.Required {
			required = append(required, f.Name)
		}
	}
	out := map[string]any{"type": "object", "description": plainText(o.Doc), "properties": properties, "additionalProperties": false}
	if required != nil {
		out["required"] = required
	}
	return out
}

// schema gives what may stand at a key, null included.
func (v Value) schema(defs map[string]any) map[string]any {
	forms := v.forms(defs)
	null := true
	for _, w := range v.Words {
		null = null && w != "null" // null without quotes is an error there
	}
	if null {
		forms = append(forms, map[string]any{"type": "null"})
	}
	return anyOf(forms)
}

func (v Value) forms(defs map[string]any) []any {
	var forms []any
	add := func(f map[string]any) { forms = append(forms, f) }
	env := false
	if len(v.Words) > 0 {
		add(map[string]any{"enum": v.Words})
		env = true
	}
	if v.Bool {
		add(map[string]any{"type": "boolean"})
		env = true
	}
	if v.High > 0 {
		add(map[string]any{"type": "integer", "minimum": v.Low, "maximum": v.High})
		env = true
	}
	if v.Scalar || v.Text != "" && v.Pattern == "" {
		f := map[string]any{"type": []string{"string", "number", "boolean"}}
		if !v.Scalar && !v.Empty {
			f["minLength"] = 1
		}
		add(f)
		env = false
	}
	if v.Pattern != "" {
		add(map[string]any{"type": "string", "pattern": v.Pattern})
		env = true
	}
	if env {
		add(map[string]any{"$ref": "#/definitions/env"})
	}
	if v.List != nil {
		f := map[string]any{"type": "array", "items": anyOf(v.List.forms(defs))}
		if v.One {
			f["minItems"] = 1
			forms = append(forms, v.List.forms(defs)...)
		}
		add(f)
	}
	if v.Object != nil {
		name := v.Object.Name
		if _, ok := defs[name]; !ok {
			defs[name] = nil // it may hold itself
			defs[name] = v.Object.schema(defs)
		}
		add(map[string]any{"$ref": "#/definitions/" + name})
	}
	if v.Map != nil {
		add(map[string]any{"type": "object", "additionalProperties": v.Map.schema(defs)})
	}
	return forms
}

func anyOf(forms []any) map[string]any {
	if len(forms) == 1 {
		if f, ok := forms[0].(map[string]any); ok && f["$ref"] == nil {
			return f
		}
	}
	return map[string]any{"anyOf": forms}
}

// plainText is Markdown without its marks.
func plainText(s string) string { return strings.ReplaceAll(s, "`", "") }
