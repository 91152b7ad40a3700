package platform

import "sync/atomic"

// Credentials are the temporary credentials of the function's role.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// latestCredentials holds the credentials of the most recent event. All events of a process carry
// the same role, so the most recent credentials are valid longest.
var latestCredentials atomic.Pointer[Credentials]

// CurrentCredentials returns the credentials of the most recent request of Function Compute, which
// renews them in its requests. The credentials in the environment date from the start of the
// instance and expire. CurrentCredentials returns false before the first request, and on platforms
// that send none.
func CurrentCredentials() (Credentials, bool) {
	if c := latestCredentials.Load(); c != nil {
		return *c, true
	}
	return Credentials{}, false
}

// storeCredentials stores the credentials of a request.
func storeCredentials(c Credentials) {
	if c.AccessKeyID != "" && c.AccessKeySecret != "" {
		latestCredentials.Store(&c)
	}
}
