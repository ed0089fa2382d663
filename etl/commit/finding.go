package commit

// Severity of a finding.
type Severity string

// The severities.
const (
	// Alarm: rows are lost, doubled or wrong, or may be.
	Alarm Severity = "alarm"
	// Pending: the next publish puts it right.
	Pending Severity = "pending"
	// Note: it harms nobody; gc deals with it in time.
	Note Severity = "note"
)

// Finding is one thing that is not as the log says.
type Finding struct {
	Severity Severity `json:"severity"`
	// What is a word for the kind: chain, checkpoint, count, missing, size, corrupt, rows, twice, foreign, orphan,
	// catalog, key.
	What string `json:"what"`
	// Key of the object, or the name of what is meant.
	Key string `json:"key"`
	// Detail, for people.
	Detail string `json:"detail,omitempty"`
}

func (f Finding) String() string {
	s := string(f.Severity) + " " + f.What + " " + f.Key
	if f.Detail != "" {
		s += ": " + f.Detail
	}
	return s
}
