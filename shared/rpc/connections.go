package rpc

import (
	linked "container/list"
	"context"
	"net"
	"net/http"
	"sync"
	"time"
)

// connections bounds how many clients are connected: those that only connect, or send their headers byte by byte, must not
// take the files that the store needs. When there are as many as there may be, a newcomer takes the place of the one that
// has waited longest without a whole request; when all are being served, it is sent away.
type connections struct {
	most int

	mu      sync.Mutex
	open    int
	waiting linked.List // of *conn
}

// grace is how long a connection may wait for its client before it can be cut off: long enough for one that means it.
const grace = 100 * time.Millisecond

// enter takes in a new connection; false when there is no place. While nobody has waited for long, it waits itself, and
// those that come later with it.
func (g *connections) enter(c *conn) bool {
	for {
		ok, wait := g.try(c)
		if wait <= 0 {
			return ok
		}
		time.Sleep(wait)
	}
}

// try is enter without waiting: it tells how long to.
func (g *connections) try(c *conn) (ok bool, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.most {
		first := g.waiting.Front()
		if first == nil {
			return false, 0
		}
		evicted := first.Value.(*conn)
		if wait := grace - time.Since(evicted.since); wait > 0 {
			return false, wait
		}
		g.remove(evicted)
		evicted.Conn.Close() // net/http sees that, and closes it too
	}
	g.open++
	c.inside = true
	g.wait(c)
	return true, 0
}

// wait puts a connection behind those that wait; g.mu is held.
func (g *connections) wait(c *conn) {
	c.since = time.Now()
	c.place = g.waiting.PushBack(c)
}

// remove forgets a connection; g.mu is held.
func (g *connections) remove(c *conn) {
	if !c.inside {
		return
	}
	c.inside = false
	g.open--
	g.rest(c)
}

// rest takes a connection out of those that wait; g.mu is held.
func (g *connections) rest(c *conn) {
	if c.place != nil {
		g.waiting.Remove(c.place)
		c.place = nil
	}
}

// leave forgets a connection that is closed.
func (g *connections) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(c)
}

// begin and end enclose the serving of a request whose headers have come.
func (g *connections) begin(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest(c)
}

func (g *connections) end(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.inside && c.place == nil {
		g.wait(c)
	}
}

type connKey struct{}

// context lets a handler find the connection of its request.
func (g *connections) context(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// around wraps a handler.
func (g *connections) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if c, ok := r.Context().Value(connKey{}).(*conn); ok {
			g.begin(c)
			defer g.end(c)
		}
		h.ServeHTTP(w, r)
	})
}
