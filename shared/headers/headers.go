// Package headers has what the headers of all answers say, of servers and of functions alike.
package headers

import "net/http"

var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"}
)

// Private keeps an answer out of caches, and browsers from taking it for anything but what it says
// it is.
func Private(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
}
