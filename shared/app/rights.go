package app

import (
	"time"

	"millrace/shared/access"
)

// Rights returns the lookup of what flows may do in a region. It is nil, which allows everything,
// without credentials.
func Rights(
	register *access.Registry, region string,
) func(account, role, author string) (access.May, error) {
	if register == nil {
		return nil
	}
	return func(account, role, author string) (access.May, error) {
		return register.RightsOf(account, role, author, region, time.Now())
	}
}
