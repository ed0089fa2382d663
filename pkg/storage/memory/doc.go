// Package memory is the object store in memory: a real implementation, held to the same suite as the others, for tests
// and for whoever embeds the engine. It can be told to fail before or after a request has taken effect, counts requests, and
// takes its time from a clock of the caller's choice.
//
// Like S3, its ETag is a hash of the content, so that it does not depend on the order in which concurrent requests
// come; it lists in pages; and a copy onto an object of other content is refused.
package memory
