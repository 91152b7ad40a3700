package acs

import "time"

// Fix fixes the time and the nonces of a client.
func Fix(c *Client, at time.Time, nonce string) {
	c.now, c.nonce = func() time.Time { return at }, func() string { return nonce }
}
