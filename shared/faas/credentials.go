package faas

import (
	"sync/atomic"

	"millrace/shared/alibaba"
)

// latestCredentials holds the credentials of the most recent event. All events of a process carry
// the same role, so the most recent credentials are valid longest.
var latestCredentials atomic.Pointer[alibaba.Credentials]

// CurrentCredentials returns the temporary credentials of the function's role. They come with the
// most recent request of Function Compute, which renews them in its requests. The credentials in
// the environment date from the start of the instance and expire. CurrentCredentials returns false
// before the first request, and on platforms that send none.
func CurrentCredentials() (alibaba.Credentials, bool) {
	if c := latestCredentials.Load(); c != nil {
		return *c, true
	}
	return alibaba.Credentials{}, false
}

// storeCredentials stores the credentials of a request.
func storeCredentials(c alibaba.Credentials) {
	if c.AccessKeyID != "" && c.AccessKeySecret != "" {
		latestCredentials.Store(&c)
	}
}
