package app

import (
	"time"

	"millrace/shared/access"
	"millrace/shared/task"
)

// rights says what flows may do in a region; nil, everything, where there are no credentials.
func rights(register *access.Registry, region string) func(account, role, author string) (access.May, error) {
	if register == nil {
		return nil
	}
	return func(account, role, author string) (access.May, error) {
		return register.RightsOf(account, role, author, region, time.Now())
	}
}

// sharedAccount returns the account of the cloud whose resources all flows may name; "" for none. That is
// so when the credentials define an account of that id: then a resource name with it means that
// account's, as mappings of the functions file do, and other accounts leave it out to mean the cloud's.
func sharedAccount(register *access.Registry, cloud string) string {
	if register != nil && register.Has(cloud) {
		return ""
	}
	return cloud
}

// restrictAccounts keeps tasks to resources of their flow's account, and to those of the cloud's that
// all share. Where there are no credentials, a definition that names the accounts of a cloud runs
// unchanged.
func restrictAccounts(tasks task.Runner, open bool, shared string) task.Runner {
	if open {
		return tasks
	}
	return task.RestrictAccounts(tasks, shared)
}
