package quarantine

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"datalake/pkg/batch"
)

// RuleBroken is the rule of places at which an object cannot be read on. There is no record to be read again.
const RuleBroken = "broken"

// ruleRecordsAt is the rule of values that do not hold their records where the source's setting says.
const ruleRecordsAt = "records_at"

// Line is a record as a file of the quarantine has it.
type Line struct {
	Source    string    `json:"source"`
	Object    string    `json:"object"`
	ETag      string    `json:"etag"` // empty in files of programs that did not write it
	Offset    int64     `json:"offset"`
	Length    int64     `json:"length"`
	Line      int64     `json:"line"`
	Arrived   time.Time `json:"arrived"`
	Rule      string    `json:"rule"`
	Reason    string    `json:"reason"`
	Payload   string    `json:"payload"`
	Base64    string    `json:"payload_base64"`
	Truncated bool      `json:"truncated"`
	Withheld  bool      `json:"payload_withheld"`
	Masked    bool      `json:"payload_masked"`
}

// ParseLine reads a line.
func ParseLine(text []byte) (*Line, error) {
	l := &Line{}
	if err := json.Unmarshal(text, l); err != nil {
		return nil, fmt.Errorf("read a line of the quarantine: %w", err)
	}
	return l, nil
}

// Text is the payload; whole is false where it was cut or withheld, or shows what a mask has made of a value.
func (l *Line) Text() (text []byte, whole bool, err error) {
	text = []byte(l.Payload)
	if l.Base64 != "" {
		if text, err = base64.StdEncoding.DecodeString(l.Base64); err != nil {
			return nil, false, fmt.Errorf("read payload_base64 of the record at %d of %s: %w", l.Offset, l.Object, err)
		}
	}
	return text, !l.Truncated && !l.Withheld && !l.Masked, nil
}

// Replayable says whether it stands for text that can be read as records once more. What stands between records, and what breaks an
// object off, does not: these stay as they are.
func (l *Line) Replayable() bool {
	return l.Rule != RuleBroken && (l.Length > 0 || l.Payload != "" || l.Base64 != "" || l.Truncated || l.Withheld)
}

// replayable is the same of a reject that was found just now.
func replayable(r *batch.Reject) bool {
	return r.Rule != RuleBroken && (r.Length > 0 || len(r.Payload) > 0 || r.Truncated)
}
