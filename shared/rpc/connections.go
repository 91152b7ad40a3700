package rpc

import (
	"container/heap"
	linked "container/list"
	"context"
	"io"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"millrace/shared/inflight"
)

// connections bounds how many clients are connected, and what they hold before their requests are
// whole: those that only connect, or send their requests byte by byte, must not take the files and
// the memory that the server needs.
//
// A connection waits until its whole request, with its body, is there. When there are as many
// connections as there may be, a newcomer takes the place of one that waits: of the client that has
// most of them waiting, the one that has waited longest. So a client that opens many cuts off its
// own. When all are being served, a few spare places answer GET /healthz, and everything else with
// 503.
type connections struct {
	most    int
	spare   int
	bytes   *inflight.Budget // of requests that are not whole; nil: no bound
	refused *Refusals

	mu      sync.Mutex
	open    int // without those in spare places
	spares  int
	clients map[netip.Prefix]*client
	crowd   crowd       // all clients, the one with most waiting connections first
	quick   linked.List // of *conn in spare places that wait
	holders linked.List // of *conn that hold bytes of a request that is not whole, in the order in which they began to
}

// grace is how long a connection may wait for its client before it can be cut off: long enough for one that means it.
const grace = 100 * time.Millisecond

// sparePlaces is how many connections beyond the bound are looked at for GET /healthz.
const sparePlaces = 16

func newConnections(most int, bytes *inflight.Budget, refused *Refusals) *connections {
	return &connections{most: most, spare: sparePlaces, bytes: bytes, refused: refused,
		clients: map[netip.Prefix]*client{}}
}

// client is where connections come from: an address, or a network of 64 bits of IPv6, which one
// machine may have.
type client struct {
	from    netip.Prefix
	open    int
	waiting linked.List // of *conn
	at      int         // in the crowd
}

// crowd is a heap: whose connection is cut off next comes first.
type crowd []*client

func (w crowd) Len() int { return len(w) }

func (w crowd) Less(i, j int) bool {
	a, b := w[i].waiting.Len(), w[j].waiting.Len()
	return a > b || a == b && a > 0 && w[i].longest().since.Before(w[j].longest().since)
}

func (w crowd) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].at, w[j].at = i, j
}

func (w *crowd) Push(x any) {
	x.(*client).at = len(*w)
	*w = append(*w, x.(*client))
}

func (w *crowd) Pop() any {
	last := len(*w) - 1
	c := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return c
}

// longest is the connection that has waited longest.
func (c *client) longest() *conn { return c.waiting.Front().Value.(*conn) }

func addressOf(c net.Conn) netip.Prefix {
	a, ok := c.RemoteAddr().(*net.TCPAddr)
	if !ok {
		return netip.Prefix{}
	}
	ip := a.AddrPort().Addr().Unmap().WithZone("")
	bits := ip.BitLen()
	if ip.Is6() {
		bits = 64
	}
	p, _ := ip.Prefix(bits)
	return p
}

// enter takes in a new connection; false when there is no place. While nobody has waited for long, it waits itself, and
// those that come later with it.
func (g *connections) enter(c *conn) bool {
	c.from = addressOf(c.Conn)
	c.headHold.Budget = g.bytes
	for {
		ok, evicted, wait := g.try(c)
		if evicted != nil {
			evicted.Conn.Close() // net/http sees that, and closes it too
		}
		if wait <= 0 {
			return ok
		}
		time.Sleep(wait)
	}
}

// try is enter without waiting: it returns how long to, and the connection to close for this one.
func (g *connections) try(c *conn) (ok bool, evicted *conn, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.most {
		if evicted, wait = g.evict(); wait > 0 {
			return false, nil, wait
		}
	}
	if g.open < g.most {
		g.add(c)
		return true, evicted, 0
	}
	if g.spares >= g.spare {
		first := g.quick.Front()
		if first == nil {
			return false, nil, 0
		}
		evicted = first.Value.(*conn)
		if wait := grace - time.Since(evicted.since); wait > 0 {
			return false, nil, wait
		}
		g.remove(evicted)
	}
	g.spares++
	c.inside, c.isSpare = true, true
	g.wait(c)
	return true, evicted, 0
}

// evict makes room, if anybody waits: it forgets the connection that the caller must close, or
// returns how long to wait until one may be cut off. g.mu is held.
func (g *connections) evict() (evicted *conn, wait time.Duration) {
	if len(g.crowd) == 0 || g.crowd[0].waiting.Len() == 0 {
		return nil, 0
	}
	evicted = g.crowd[0].longest()
	if wait := grace - time.Since(evicted.since); wait > 0 {
		return nil, wait
	}
	g.remove(evicted)
	g.refused.add(refusedCut)
	return evicted, 0
}

// add gives a connection a place; g.mu is held.
func (g *connections) add(c *conn) {
	owner := g.clients[c.from]
	if owner == nil {
		owner = &client{from: c.from}
		g.clients[c.from] = owner
		heap.Push(&g.crowd, owner)
	}
	owner.open++
	g.open++
	c.client, c.inside, c.isSpare = owner, true, false
	g.wait(c)
}

// wait puts a connection behind those that wait; g.mu is held.
func (g *connections) wait(c *conn) {
	c.since = time.Now()
	if c.isSpare {
		c.place = g.quick.PushBack(c)
		return
	}
	c.place = c.client.waiting.PushBack(c)
	heap.Fix(&g.crowd, c.client.at)
}

// rest takes a connection out of those that wait; g.mu is held.
func (g *connections) rest(c *conn) {
	g.letGo(c)
	if c.place == nil {
		return
	}
	if c.isSpare {
		g.quick.Remove(c.place)
	} else {
		c.client.waiting.Remove(c.place)
		heap.Fix(&g.crowd, c.client.at)
	}
	c.place = nil
}

// remove forgets a connection; g.mu is held.
func (g *connections) remove(c *conn) {
	if !c.inside {
		return
	}
	g.rest(c)
	c.inside = false
	if c.isSpare {
		g.spares--
		return
	}
	g.open--
	if c.client.open--; c.client.open == 0 {
		heap.Remove(&g.crowd, c.client.at)
		delete(g.clients, c.client.from)
	}
}

// leave forgets a connection that is closed.
func (g *connections) leave(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(c)
	c.headHold.Release()
}

// begin and end enclose the serving of a request that is there as a whole.
func (g *connections) begin(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.rest(c)
}

func (g *connections) end(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.serving.Store(false)
	c.head.Store(0)
	c.headHold.Release()
	if c.inside && c.place == nil {
		g.wait(c)
	}
}

// promote reports whether a connection has a place of its own, which one in a spare place gets if
// there is one by now.
func (g *connections) promote(c *conn) bool {
	g.mu.Lock()
	var evicted *conn
	if c.inside && g.open >= g.most {
		evicted, _ = g.evict()
	}
	if c.inside && g.open < g.most {
		g.remove(c)
		g.add(c)
	}
	own := !c.isSpare
	g.mu.Unlock()
	if evicted != nil {
		evicted.Conn.Close()
	}
	return own
}

// holds notes that a connection holds bytes of a request that is not whole.
func (g *connections) holds(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.holding == nil && c.inside && c.place != nil {
		c.heldSince = time.Now()
		c.holding = g.holders.PushBack(c)
	}
}

// letGo is holds undone; g.mu is held.
func (g *connections) letGo(c *conn) {
	if c.holding != nil {
		g.holders.Remove(c.holding)
		c.holding = nil
	}
}

// reliefTime is how long a request may be on its way, and hold bytes, before it can be cut off for
// the bytes of another.
const reliefTime = time.Second

// relieve cuts off the request that has held bytes for longest without being whole; false when
// there is none but c that has done so for a while.
func (g *connections) relieve(c *conn) bool {
	g.mu.Lock()
	var evicted *conn
	for e := g.holders.Front(); e != nil && evicted == nil; e = e.Next() {
		if held := e.Value.(*conn); held != c {
			evicted = held
		}
	}
	if evicted == nil || time.Since(evicted.heldSince) < reliefTime {
		g.mu.Unlock()
		return false
	}
	g.remove(evicted)
	g.refused.add(refusedRelief)
	g.mu.Unlock()
	evicted.Conn.Close()
	return true
}

// answers puts a connection among those that wait while its answer is written: a client that does not read holds no place
// that a newcomer needs.
func (g *connections) answers(c *conn) {
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

// connOf is the connection of a request that Server serves within its bounds, nil for any other.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// around wraps a handler.
func (g *connections) around(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		c := connOf(r.Context())
		if c == nil {
			h.ServeHTTP(w, r)
			return
		}
		c.serving.Store(true)
		defer g.end(c)
		if c.isSpare && !g.promote(c) {
			w.Header().Set("Connection", "close")
			if r.URL.Path != healthPath {
				g.refused.add(refusedPlace)
				noPlace(w)
				return
			}
		}
		if r.ContentLength == 0 {
			g.begin(c)
		} else {
			c.body = wholeBody{ReadCloser: r.Body, conn: c}
			r.Body = &c.body
		}
		h.ServeHTTP(w, r)
	})
}

// wholeBody notices when the last byte of a request has come.
type wholeBody struct {
	io.ReadCloser
	conn *conn
}

func (b *wholeBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.conn != nil {
		b.conn.connections.begin(b.conn)
		b.conn = nil
	}
	return n, err
}
