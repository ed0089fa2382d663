package spell

import "testing"

func TestNearest(t *testing.T) {
	known := []string{"trim", "type", "required", "temperature", "ns"}
	for s, want := range map[string]string{
		"trim": "trim", "tirm": "trim", "Trim": "trim", "requird": "required", "temprature": "temperature",
		"us": "ns", "x": "", "pattern": "", "tr": "", "": "",
	} {
		if got := Nearest(s, known); got != want {
			t.Errorf("%q: %q, want %q", s, got, want)
		}
	}
}
