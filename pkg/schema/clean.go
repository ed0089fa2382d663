package schema

// Clean is what becomes of a column's values before they are checked, in the order of its fields. The zero value leaves
// them as they are.
type Clean struct {
	// Trim takes Unicode white space from both ends of text, Collapse makes one space of each run of it.
	Trim     bool `json:"trim,omitempty"`
	Collapse bool `json:"collapse,omitempty"`
	// Case is lower or upper; empty: as it is.
	Case string `json:"case,omitempty"`
	// Nulls are texts that mean null, compared with what the steps before have made of the value. In a column of another type than string
	// such a text is null rather than a misfit, and so is a value of the column that one of them is the text of: -999.
	Nulls []string `json:"nulls,omitempty"`
	// ClampMin and ClampMax are the bounds to which a value outside of them is moved, as lake.yaml writes them; empty: none.
	ClampMin string `json:"clamp_min,omitempty"`
	ClampMax string `json:"clamp_max,omitempty"`
	// Default stands for null, as JSON; empty: null stays. It comes before Required is asked for.
	Default string `json:"default,omitempty"`
	// Mask is applied last of all, after the checks; nil: none.
	Mask *Mask `json:"mask,omitempty"`
}

// The values of Clean.Case.
const (
	Lower = "lower"
	Upper = "upper"
)

// Mask hides a string column's values, in the table, in _rescued and in quarantine.
type Mask struct {
	// Drop makes each value null.
	Drop bool `json:"drop,omitempty"`
	// SHA256 makes each value the SHA-256, in hex, of a salt and the value; it holds env:NAME, never the salt itself.
	SHA256 string `json:"sha256,omitempty"`
	// KeepLast replaces all characters but the last n by *, and all of a text that has no more than n; 0: not this kind.
	KeepLast int `json:"keep_last,omitempty"`
}

// What a check or rule that fails does.
const (
	FailReject = "reject" // the record goes to quarantine, under the rule's name
	FailNull   = "null"   // the value becomes null
	FailScore  = "score"  // quality_score falls
)

// Check is what a column's values must be. Null passes any check without counting: it is not applicable. Each field that is
// set is a rule of its own, named column.min, column.max, column.length, column.pattern, column.enum, column.elements, column.keys.
type Check struct {
	// Min and Max are bounds, both included, of numbers, dates and timestamps, as lake.yaml writes them; empty: none.
	Min string `json:"min,omitempty"`
	Max string `json:"max,omitempty"`
	// MinLength and MaxLength bound the characters of text, the bytes of binary, the elements of lists and maps; nil: none.
	MinLength *int `json:"min_length,omitempty"`
	MaxLength *int `json:"max_length,omitempty"`
	// Pattern is an RE2 expression that must match somewhere in the text.
	Pattern string `json:"pattern,omitempty"`
	// Enum are the values that are allowed, as JSON scalars.
	Enum []string `json:"enum,omitempty"`
	// Elements is what each element of a list, or each value of a map, must be; Keys what each key of a map must be. OnFail means
	// nothing in them.
	Elements *Check `json:"elements,omitempty"`
	Keys     *Check `json:"keys,omitempty"`
	// OnFail is reject, null or score (also where it is empty).
	OnFail string `json:"on_fail,omitempty"`
}

// Rule is a condition on a whole row, in CEL, over the cleaned columns by name; what is not true fails it, null is not applicable.
type Rule struct {
	Name string `json:"name"`
	Expr string `json:"expr"`
	// OnFail is reject or score (also where it is empty).
	OnFail string `json:"on_fail,omitempty"`
}
