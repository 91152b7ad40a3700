package platform

import "sync/atomic"

// Credentials are the temporary credentials of the function's role.
type Credentials struct {
	AccessKeyID     string
	AccessKeySecret string
	SecurityToken   string
}

// latestCredentials are the credentials that came with the newest event. All requests of a process have the same role, so whoever
// needs credentials, a request or what runs beside it, is best served by those that end last.
var latestCredentials atomic.Pointer[Credentials]

// CurrentCredentials gives the credentials that Function Compute sent with its newest request, in which they are renewed;
// those of the environment are from the start of the instance and end. false before the first request, and in homes
// that send none.
func CurrentCredentials() (Credentials, bool) {
	if c := latestCredentials.Load(); c != nil {
		return *c, true
	}
	return Credentials{}, false
}

// storeCredentials takes credentials that came with a request.
func storeCredentials(c Credentials) {
	if c.AccessKeyID != "" && c.AccessKeySecret != "" {
		latestCredentials.Store(&c)
	}
}
