package layout

import (
	"fmt"
	"strconv"
	"strings"
)

// Keys of the objects of a log, as paths below its zone (<state>/<zone>).
const (
	LogPrefix        = "log/"
	CheckpointPrefix = "checkpoint/"
	CheckpointHint   = "checkpoint/latest"
	AttemptsPrefix   = "attempts/"
	PublishPrefix    = "publish/"
	ProbePrefix      = "probe/"
	BadPrefix        = "bad/"
)

// BadSummary is the name of the object that says what the other rejects of an attempt are.
const BadSummary = "summary.json"

// BadPath is the path of the rejects that an attempt kept when there were too many: name is a path below the attempt's folder.
func BadPath(attempt, name string) string { return BadPrefix + attempt + "/" + name }

// checkpointFormat ends the names of checkpoints that this program can read.
const checkpointFormat = ".v2"

// LogPath is the path of entry seq.
func LogPath(seq uint64) string { return fmt.Sprintf("%s%020d", LogPrefix, seq) }

// ParseLog reads the path of an entry.
func ParseLog(path string) (seq uint64, ok bool) { return number(path, LogPrefix, "") }

// CheckpointPath is the path of the checkpoint at seq.
func CheckpointPath(seq uint64) string {
	return fmt.Sprintf("%s%020d%s", CheckpointPrefix, seq, checkpointFormat)
}

// ParseCheckpoint reads the path of a checkpoint. Those of other formats are not ok.
func ParseCheckpoint(path string) (seq uint64, ok bool) {
	return number(path, CheckpointPrefix, checkpointFormat)
}

// AttemptPath is the path of an object of an attempt: manifest, alive, body-…, or a step's.
func AttemptPath(attempt, name string) string { return AttemptsPrefix + attempt + "/" + name }

// ParseAttempt reads the path of an object of an attempt.
func ParseAttempt(path string) (attempt, name string, ok bool) {
	rest, ok := strings.CutPrefix(path, AttemptsPrefix)
	attempt, name, cut := strings.Cut(rest, "/")
	return attempt, name, ok && cut && attempt != "" && name != ""
}

// ClaimPath is the path of the n-th claim to publish to a catalog.
func ClaimPath(catalog string, n uint64) string {
	return fmt.Sprintf("%s%s/%020d.claim", PublishPrefix, catalog, n)
}

// DonePath is the path of what ends the n-th claim.
func DonePath(catalog string, n uint64) string {
	return fmt.Sprintf("%s%s/%020d.done", PublishPrefix, catalog, n)
}

// ParseClaim reads the path of a claim or of what ends one.
func ParseClaim(catalog, path string) (n uint64, done, ok bool) {
	if n, ok = number(path, PublishPrefix+catalog+"/", ".claim"); ok {
		return n, false, true
	}
	n, ok = number(path, PublishPrefix+catalog+"/", ".done")
	return n, true, ok
}

func number(path, prefix, suffix string) (uint64, bool) {
	s, ok1 := strings.CutPrefix(path, prefix)
	s, ok2 := strings.CutSuffix(s, suffix)
	if !ok1 || !ok2 || len(s) != 20 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 10, 64)
	return n, err == nil && s[0] != '+'
}
