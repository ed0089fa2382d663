// Package plan says what a run reads: the objects of the raw zone that the log has not consumed, in the order of their keys.
package plan
