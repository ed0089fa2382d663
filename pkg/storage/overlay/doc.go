// Package overlay is a store that looks like another and can be written to, while the other is only ever read: what a dry run
// works on. Puts, copies and deletes show in the overlay alone and are gone with it.
//
// Small objects stay in memory, larger ones in a temporary file without a name. A copy of an object of the store below takes
// no space. Keys, errors, order and versions are as storage.Store says; the suite of storetest holds for it.
//
// It does not follow changes of the store below: what changes there while an overlay is in use shows through, as objects that
// come or go meanwhile. A put with Once is not raced against others who write below.
package overlay
