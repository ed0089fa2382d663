// Package catalog is how readers find tables: what a table, its columns and its partitions are called and where they
// lie. Package local keeps a catalog as files; other adapters speak to a service.
//
// A catalog follows the commit log and never leads it. It is written by one publisher at a time, which holds a claim
// (see etl/commit); versions guard against one that wakes late.
package catalog
