package cli

import (
	"time"

	"millrace/shared/fault"
	"millrace/shared/rpc"
)

// throttleAttempts bounds how often a throttled reading is tried: about 30 s in all.
const throttleAttempts = 8

// retryThrottled makes a call that only reads, again after a while when the server throttles it: CloudFlow lets two pages a
// second pass.
func retryThrottled[T any](c *invocation, read func() (T, error)) (T, error) {
	pause := 250 * time.Millisecond
	for try := 1; ; try++ {
		v, err := read()
		if fault.CodeOf(err) != fault.ResourceThrottled || try == throttleAttempts {
			return v, err
		}
		if err := c.Sleep(c.ctx, pause); err != nil {
			return v, err
		}
		pause = min(2*pause, 8*time.Second)
	}
}

// pages are the flags of a list: how much of it.
type pages struct {
	limit int64
	all   bool
}

// collect reads pages of a list until there are limit items, or all of them. next gives a page of at most n items; more
// tells whether the list goes on.
func collect[T any](c *invocation, p pages, pageMax int64, next func(token string, n int64) ([]T, string, error)) (items []T, more bool, err error) {
	if p.limit < 1 {
		return nil, false, usagef("--limit must be at least 1")
	}
	items = []T{}
	token := ""
	for {
		n := pageMax
		if !p.all {
			n = min(n, p.limit-int64(len(items)))
		}
		type page struct {
			items []T
			token string
		}
		got, err := retryThrottled(c, func() (page, error) {
			items, token, err := next(token, n)
			return page{items, token}, err
		})
		if err != nil {
			return nil, false, err
		}
		items = append(items, got.items...)
		switch {
		case got.token == "":
			return items, false, nil
		case !p.all && int64(len(items)) >= p.limit:
			return items, true, nil
		}
		token = got.token
	}
}

// withClient gives a command that works with a client.
func withClient(do func(c *invocation, client *rpc.Client) error) func(*invocation) error {
	return func(c *invocation) error {
		client, err := c.connect()
		if err != nil {
			return err
		}
		return do(c, client)
	}
}
