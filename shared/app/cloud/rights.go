package cloud

import "millrace/shared/access"

// sharedAccount returns the account of the cloud whose resources all flows may name; "" for none.
// It is none if the credentials define an account with the id of the cloud's: a resource name with
// that id then belongs to that account, as in mappings of the functions file, and flows of other
// accounts omit the id to name the cloud's resources.
func sharedAccount(register *access.Registry, cloud string) string {
	if register != nil && register.Has(cloud) {
		return ""
	}
	return cloud
}
