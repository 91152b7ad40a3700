package app

import (
	"time"

	"millrace/shared/access"
	"millrace/shared/task"
)

// rights returns the lookup of what flows may do in a region. It is nil, which allows everything,
// without credentials.
func rights(
	register *access.Registry, region string,
) func(account, role, author string) (access.May, error) {
	if register == nil {
		return nil
	}
	return func(account, role, author string) (access.May, error) {
		return register.RightsOf(account, role, author, region, time.Now())
	}
}

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

// restrictAccounts restricts tasks to resources of their flow's account and of the shared account.
// An open server runs a definition that names accounts of a cloud unchanged.
func restrictAccounts(tasks task.Runner, open bool, shared string) task.Runner {
	if open {
		return tasks
	}
	return task.RestrictAccounts(tasks, shared)
}
