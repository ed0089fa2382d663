// Package plantedtest proves that the tests of the commit protocol have teeth: it builds them with bugs planted
// (pkg/planted) and fails for each bug that they do not notice.
package plantedtest
