// Package storetest is the conformance suite for object stores: what every adapter of package storage must do, with
// one process and with many at once. An adapter's test calls Run.
//
// The suite asks only for what all stores can do. It never needs an object "a" beside an object "a/b", which a file
// system cannot hold.
package storetest
