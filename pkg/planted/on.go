//go:build planted

package planted

import "os"

// Enabled says whether bugs can be planted in this build.
const Enabled = true

// Bug says whether the named bug is to be there: DATALAKE_PLANTED is its name.
func Bug(name string) bool { return os.Getenv("DATALAKE_PLANTED") == name }
