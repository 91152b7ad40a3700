// Package headers sets the headers that all responses of servers and functions have.
package headers

import "net/http"

var (
	noSniff = []string{"nosniff"}
	noStore = []string{"no-store"}
)

// Private keeps a response out of caches, and prevents browsers from guessing its content type.
func Private(h http.Header) {
	h["X-Content-Type-Options"] = noSniff
	h["Cache-Control"] = noStore
}
