package jsontext

import (
	"encoding/json"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// implementation lists what the standard leaves to us: the verdict ("" accepts, else the rule) and the reason.
var implementation = map[string][2]string{
	"i_number_double_huge_neg_exp":                   {"", "the grammar sets no limit to exponents; who converts decides"},
	"i_number_huge_exp":                              {"", "as above"},
	"i_number_neg_int_huge_exp":                      {"", "as above"},
	"i_number_pos_double_huge_exp":                   {"", "as above"},
	"i_number_real_neg_overflow":                     {"", "as above"},
	"i_number_real_pos_overflow":                     {"", "as above"},
	"i_number_real_underflow":                        {"", "as above"},
	"i_number_too_big_neg_int":                       {"", "the grammar sets no limit to digits"},
	"i_number_too_big_pos_int":                       {"", "as above"},
	"i_number_very_big_negative_int":                 {"", "as above"},
	"i_object_key_lone_2nd_surrogate":                {"encoding", "a lone surrogate is no character; UTF-8 cannot hold it"},
	"i_string_1st_surrogate_but_2nd_missing":         {"encoding", "as above"},
	"i_string_1st_valid_surrogate_2nd_invalid":       {"encoding", "as above"},
	"i_string_incomplete_surrogate_and_escape_valid": {"encoding", "as above"},
	"i_string_incomplete_surrogate_pair":             {"encoding", "as above"},
	"i_string_incomplete_surrogates_escape_valid":    {"encoding", "as above"},
	"i_string_invalid_lonely_surrogate":              {"encoding", "as above"},
	"i_string_invalid_surrogate":                     {"encoding", "as above"},
	"i_string_inverted_surrogates_U+1D11E":           {"encoding", "as above"},
	"i_string_lone_second_surrogate":                 {"encoding", "as above"},
	"i_string_UTF-8_invalid_sequence":                {"encoding", "JSON text is UTF-8"},
	"i_string_UTF8_surrogate_U+D800":                 {"encoding", "UTF-8 has no surrogates"},
	"i_string_invalid_utf-8":                         {"encoding", "JSON text is UTF-8"},
	"i_string_iso_latin_1":                           {"encoding", "JSON text is UTF-8"},
	"i_string_lone_utf8_continuation_byte":           {"encoding", "JSON text is UTF-8"},
	"i_string_not_in_unicode_range":                  {"encoding", "UTF-8 ends at U+10FFFF"},
	"i_string_overlong_sequence_2_bytes":             {"encoding", "UTF-8 allows the shortest form only"},
	"i_string_overlong_sequence_6_bytes":             {"encoding", "UTF-8 allows the shortest form only"},
	"i_string_overlong_sequence_6_bytes_null":        {"encoding", "UTF-8 allows the shortest form only"},
	"i_string_truncated-utf-8":                       {"encoding", "JSON text is UTF-8"},
	"i_string_UTF-16LE_with_BOM":                     {"json", "UTF-16 is not read; its bytes are no JSON"},
	"i_string_utf16BE_no_BOM":                        {"json", "as above"},
	"i_string_utf16LE_no_BOM":                        {"json", "as above"},
	"i_structure_500_nested_arrays":                  {"", "the limit is 512 by default"},
	"i_structure_UTF-8_BOM_empty_object":             {"json", "a byte order mark is no JSON; the reader of files skips it"},
}

// suite finds the JSONTestSuite beside the repository, or skips.
func suite(t *testing.T, folder string) []string {
	t.Helper()
	root := os.Getenv("DATALAKE_JSONTESTSUITE")
	if root == "" {
		dir, err := os.Getwd()
		if err != nil {
			t.Fatal(err)
		}
		for root == "" && dir != filepath.Dir(dir) {
			dir = filepath.Dir(dir)
			if _, err := os.Stat(filepath.Join(dir, "shared", "jsontestsuite")); err == nil {
				root = filepath.Join(dir, "shared", "jsontestsuite")
			}
		}
	}
	files, err := filepath.Glob(filepath.Join(root, folder, "*.json"))
	if err != nil {
		t.Fatal(err)
	}
	if root == "" || len(files) == 0 {
		if os.Getenv("DATALAKE_REQUIRE_PEERS") == "1" {
			t.Fatal("JSONTestSuite is required and not there: set DATALAKE_JSONTESTSUITE")
		}
		t.Skip("JSONTestSuite is not there: set DATALAKE_JSONTESTSUITE to run this test")
	}
	return files
}

func TestConformance(t *testing.T) {
	seen := map[byte]int{}
	for _, f := range suite(t, "test_parsing") {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		seen[name[0]]++
		got := ""
		var fault *Error
		if err := (Limits{}).Valid(text); errors.As(err, &fault) {
			got = fault.Rule()
		} else if err != nil {
			t.Fatalf("%s: error of another type: %v", name, err)
		}
		switch name[0] {
		case 'y':
			if got != "" {
				t.Errorf("%s: rejected (%s), must be accepted", name, got)
			}
		case 'n':
			if got == "" {
				t.Errorf("%s: accepted, must be rejected", name)
			}
		case 'i':
			want, ok := implementation[name]
			if !ok {
				t.Errorf("%s: our verdict is not documented", name)
			} else if got != want[0] {
				t.Errorf("%s: rule %q, documented is %q: %s", name, got, want[0], want[1])
			}
		}
		// Whatever lenient readers replace never makes a wrong text right.
		if err := (Limits{ReplaceInvalid: true}).Valid(text); err == nil && got != "" && got != "encoding" {
			t.Errorf("%s: accepted with ReplaceInvalid, though its fault is %s", name, got)
		} else if err != nil && got == "encoding" && name[0] == 'i' {
			t.Errorf("%s: not accepted with ReplaceInvalid: %v", name, err)
		}
	}
	if seen['y'] < 90 || seen['n'] < 180 || seen['i'] != len(implementation) {
		t.Errorf("the suite is not whole: %d y, %d n, %d i", seen['y'], seen['n'], seen['i'])
	}
}

// The files of test_transform parse everywhere but mean different things to different readers. All are accepted here, or
// rejected for their encoding; the rest of the table says what the value is.
func TestTransform(t *testing.T) {
	const rejected = "encoding"
	want := map[string]string{
		"number_-9223372036854775808":         `[-9223372036854775808]`,
		"number_-9223372036854775809":         `[-9223372036854775809]`,
		"number_1.0":                          `[1.0]`,
		"number_1.000000000000000005":         `[1.000000000000000005]`,
		"number_1000000000000000":             `[1000000000000000]`,
		"number_10000000000000000999":         `[10000000000000000999]`,
		"number_1e-999":                       `[1E-999]`,
		"number_1e6":                          `[1E6]`,
		"number_9223372036854775807":          `[9223372036854775807]`,
		"number_9223372036854775808":          `[9223372036854775808]`,
		"object_key_nfc_nfd":                  "{\"\u00e9\":\"NFC\",\"e\u0301\":\"NFD\"}",
		"object_key_nfd_nfc":                  "{\"e\u0301\":\"NFD\",\"\u00e9\":\"NFC\"}",
		"object_same_key_different_values":    `{"a":1,"a":2}`,
		"object_same_key_same_value":          `{"a":1,"a":1}`,
		"object_same_key_unclear_values":      `{"a":0, "a":-0}`,
		"string_1_escaped_invalid_codepoint":  rejected,
		"string_1_invalid_codepoint":          rejected,
		"string_2_escaped_invalid_codepoints": rejected,
		"string_2_invalid_codepoints":         rejected,
		"string_3_escaped_invalid_codepoints": rejected,
		"string_3_invalid_codepoints":         rejected,
		"string_with_escaped_NULL":            `["A\u0000B"]`,
	}
	files := suite(t, "test_transform")
	if len(files) != len(want) {
		t.Errorf("%d files, documented are %d", len(files), len(want))
	}
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		name := strings.TrimSuffix(filepath.Base(f), ".json")
		w := want[name]
		err = Limits{}.Valid(text)
		if w == rejected {
			var fault *Error
			if !errors.As(err, &fault) || fault.Code != Encoding {
				t.Errorf("%s: %v, want an encoding error", name, err)
			}
			b := Pad(text)
			out := AppendCompact(nil, text)
			var v any
			if err := (Limits{}).Valid(out); err != nil {
				t.Errorf("%s: replaced to %q: %v", name, out, err)
			}
			if err := json.Unmarshal(text, &v); err != nil {
				t.Fatal(err)
			}
			end, _, err := Limits{ReplaceInvalid: true}.String(b, 1)
			if err != nil {
				t.Fatal(err)
			}
			if got := string(AppendUnquoted(nil, b[2:end-1])); got != v.([]any)[0] {
				t.Errorf("%s: decoded to %q, encoding/json to %q", name, got, v)
			}
			continue
		}
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if got, w := string(AppendCompact(nil, text)), string(AppendCompact(nil, []byte(w))); got != w {
			t.Errorf("%s: %s, want %s", name, got, w)
		}
	}
	hash := func(s string) [2]uint64 {
		h, err := Limits{}.Hash(Pad([]byte(s)), 0)
		if err != nil {
			t.Fatal(err)
		}
		return h
	}
	if hash(want["object_key_nfc_nfd"]) == hash(`{"é":"NFD","é":"NFC"}`) || hash(want["object_same_key_different_values"]) != hash(`{"a":2}`) ||
		hash(want["object_same_key_same_value"]) != hash(`{"a":1}`) || hash(want["object_same_key_unclear_values"]) != hash(`{"a":0}`) {
		t.Error("hashes of objects with like keys are not as documented")
	}
}
