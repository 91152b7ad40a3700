package cli

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// throttleAttempts is how often a throttled read is attempted; the pauses between the attempts add
// up to 24 s.
const throttleAttempts = 8

var throttleBackoff = backoff.Policy{Min: 250 * time.Millisecond, Max: 8 * time.Second}

// retryThrottled makes a read-only call and repeats it, after a growing pause, while the server
// throttles it: CloudFlow allows two list pages a second.
func retryThrottled[T any](c *invocation, read func() (T, error)) (T, error) {
	for attempt := 1; ; attempt++ {
		v, err := read()
		if fault.CodeOf(err) != fault.ResourceThrottled || attempt == throttleAttempts {
			return v, err
		}
		if err := c.Sleep(c.ctx, throttleBackoff.After(attempt-1)); err != nil {
			return v, err
		}
	}
}

// startupMax is how long a command waits for a server that does not listen yet.
const startupMax = 3 * time.Second

// startupPause is the time between two attempts to connect to such a server.
const startupPause = 100 * time.Millisecond

// awaitStartup is called when the endpoint refuses a connection. It pauses and returns true as long
// as a server that was just started may come up. Completion does not wait, nor does a command that
// a server has responded to before: watcher.tolerate has more patience.
func (c *invocation) awaitStartup(ctx context.Context, endpoint string) bool {
	if c.command == nil || c.serverSeen {
		return false
	}
	now := c.Now()
	if c.refusedSince.IsZero() {
		c.refusedSince = now
		fmt.Fprintf(c.Stderr, "no server listens at %s yet; trying again for %v\n",
			visible(endpoint), startupMax)
	}
	return now.Sub(c.refusedSince) < startupMax && c.Sleep(ctx, startupPause) == nil
}

// pages are the flags that limit a list.
type pages struct {
	limit int64
	all   bool
}

// collect reads the pages of a list until it has the items that p asks for. next returns a page of
// at most n items and the token of the next page. more reports whether the list has further items.
func collect[T any](
	c *invocation, p pages, pageMax int64, next func(token string, n int64) ([]T, string, error),
) (items []T, more bool, err error) {
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

// withClient returns a command function that connects a client first.
func withClient(do func(c *invocation, api *client.Client) error) func(*invocation) error {
	return func(c *invocation) error {
		api, err := c.connect()
		if err != nil {
			return err
		}
		return do(c, api)
	}
}
