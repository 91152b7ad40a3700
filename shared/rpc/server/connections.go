package server

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

// connections limits the number of open connections and the bytes that incomplete requests hold.
// Clients that only connect, or that send their requests byte by byte, must not exhaust the
// server's files and memory.
//
// A connection is idle until its whole request has arrived, body included. At capacity, a new
// connection evicts an idle one: of the peer that has the most idle connections, the one that has
// been idle for longest. So a peer that opens many connections loses its own. If no connection is
// idle, a few spare connections are still accepted: GET /healthz gets its response there, every
// other request a 503.
type connections struct {
	capacity      int
	spareCapacity int
	bytes         *inflight.Budget // for incomplete requests; nil: no limit
	rejections    *Rejections

	mu        sync.Mutex
	open      int // without the spare ones
	spareOpen int
	peers     map[netip.Prefix]*peer
	byIdle    peerHeap    // all peers; the one with the most idle connections first
	spareIdle linked.List // of *conn; the idle ones among the spare connections
	holders   linked.List // of *conn that hold bytes of an incomplete request, the oldest first
}

// idleMin is how long a connection must be idle before it may be evicted. A client that does not
// stall sends its request in less.
const idleMin = 100 * time.Millisecond

// sparePlaces is how many connections above capacity are accepted to look for a GET /healthz.
const sparePlaces = 16

func newConnections(capacity int, bytes *inflight.Budget, rejections *Rejections) *connections {
	return &connections{
		capacity: capacity, spareCapacity: sparePlaces, bytes: bytes, rejections: rejections,
		peers: map[netip.Prefix]*peer{},
	}
}

// peer is the origin of connections: an IPv4 address, or a /64 network of IPv6, because one machine
// may have a whole one.
type peer struct {
	from      netip.Prefix
	open      int
	idle      linked.List // of *conn
	heapIndex int         // in connections.byIdle
}

// peerHeap is a heap of peers. Its first element loses a connection next: the peer with the most
// idle connections or, among equals, the one whose connection has been idle for longest.
type peerHeap []*peer

func (h peerHeap) Len() int { return len(h) }

func (h peerHeap) Less(i, j int) bool {
	a, b := h[i].idle.Len(), h[j].idle.Len()
	return a > b || a == b && a > 0 &&
		h[i].longestIdle().idleSince.Before(h[j].longestIdle().idleSince)
}

func (h peerHeap) Swap(i, j int) {
	h[i], h[j] = h[j], h[i]
	h[i].heapIndex, h[j].heapIndex = i, j
}

func (h *peerHeap) Push(x any) {
	x.(*peer).heapIndex = len(*h)
	*h = append(*h, x.(*peer))
}

func (h *peerHeap) Pop() any {
	last := len(*h) - 1
	p := (*h)[last]
	(*h)[last] = nil
	*h = (*h)[:last]
	return p
}

// longestIdle returns the connection that has been idle for longest. There must be one.
func (c *peer) longestIdle() *conn { return c.idle.Front().Value.(*conn) }

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

// acquire admits a new connection; it returns false if there is no place. While idle connections
// exist but none may be evicted yet, acquire waits, and the connections behind it wait too.
func (g *connections) acquire(c *conn) bool {
	c.from = addressOf(c.Conn)
	c.headHold.Budget = g.bytes
	for {
		ok, evicted, wait := g.tryAcquire(c)
		if evicted != nil {
			evicted.Conn.Close() // net/http notices and closes it too
		}
		if wait <= 0 {
			return ok
		}
		time.Sleep(wait)
	}
}

// tryAcquire is acquire without the wait. It returns how long to wait before the next try, and the
// connection that the caller must close.
func (g *connections) tryAcquire(c *conn) (ok bool, evicted *conn, wait time.Duration) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.open >= g.capacity {
		if evicted, wait = g.evict(); wait > 0 {
			return false, nil, wait
		}
	}
	if g.open < g.capacity {
		g.add(c)
		return true, evicted, 0
	}
	if g.spareOpen >= g.spareCapacity {
		first := g.spareIdle.Front()
		if first == nil {
			return false, nil, 0
		}
		evicted = first.Value.(*conn)
		if wait := idleMin - time.Since(evicted.idleSince); wait > 0 {
			return false, nil, wait
		}
		g.remove(evicted)
	}
	g.spareOpen++
	c.admitted, c.isSpare = true, true
	g.markIdle(c)
	return true, evicted, 0
}

// evict removes the connection that has been idle for longest and returns it for the caller to
// close. If none may be evicted yet, it returns how long to wait; if none is idle, it returns nil
// and 0. g.mu is held.
func (g *connections) evict() (evicted *conn, wait time.Duration) {
	if len(g.byIdle) == 0 || g.byIdle[0].idle.Len() == 0 {
		return nil, 0
	}
	evicted = g.byIdle[0].longestIdle()
	if wait := idleMin - time.Since(evicted.idleSince); wait > 0 {
		return nil, wait
	}
	g.remove(evicted)
	g.rejections.add(evictedIdle)
	return evicted, 0
}

// add admits a connection within the capacity. g.mu is held.
func (g *connections) add(c *conn) {
	p := g.peers[c.from]
	if p == nil {
		p = &peer{from: c.from}
		g.peers[c.from] = p
		heap.Push(&g.byIdle, p)
	}
	p.open++
	g.open++
	c.peer, c.admitted, c.isSpare = p, true, false
	g.markIdle(c)
}

// markIdle appends a connection to the idle ones. g.mu is held.
func (g *connections) markIdle(c *conn) {
	c.idleSince = time.Now()
	if c.isSpare {
		c.idleElement = g.spareIdle.PushBack(c)
		return
	}
	c.idleElement = c.peer.idle.PushBack(c)
	heap.Fix(&g.byIdle, c.peer.heapIndex)
}

// unmarkIdle removes a connection from the idle ones. g.mu is held.
func (g *connections) unmarkIdle(c *conn) {
	g.unmarkHolding(c)
	if c.idleElement == nil {
		return
	}
	if c.isSpare {
		g.spareIdle.Remove(c.idleElement)
	} else {
		c.peer.idle.Remove(c.idleElement)
		heap.Fix(&g.byIdle, c.peer.heapIndex)
	}
	c.idleElement = nil
}

// remove removes a connection from all lists. g.mu is held.
func (g *connections) remove(c *conn) {
	if !c.admitted {
		return
	}
	g.unmarkIdle(c)
	c.admitted = false
	if c.isSpare {
		g.spareOpen--
		return
	}
	g.open--
	if c.peer.open--; c.peer.open == 0 {
		heap.Remove(&g.byIdle, c.peer.heapIndex)
		delete(g.peers, c.peer.from)
	}
}

// release removes a connection that is being closed and releases its bytes.
func (g *connections) release(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(c)
	c.headHold.Release()
}

// begin notes that the whole request of a connection has arrived.
func (g *connections) begin(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unmarkIdle(c)
}

// end notes that the response has been written.
func (g *connections) end(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	c.serving.Store(false)
	c.head.Store(0)
	c.headHold.Release()
	if c.admitted && c.idleElement == nil {
		g.markIdle(c)
	}
}

// promote reports whether a connection is within the capacity. It moves a spare one there if there
// is a place by now or if an idle connection may be evicted.
func (g *connections) promote(c *conn) bool {
	g.mu.Lock()
	var evicted *conn
	if c.admitted && g.open >= g.capacity {
		evicted, _ = g.evict()
	}
	if c.admitted && g.open < g.capacity {
		g.remove(c)
		g.add(c)
	}
	regular := !c.isSpare
	g.mu.Unlock()
	if evicted != nil {
		evicted.Conn.Close()
	}
	return regular
}

// markHolding notes that a connection holds bytes of an incomplete request.
func (g *connections) markHolding(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.holdingElement == nil && c.admitted && c.idleElement != nil {
		c.heldSince = time.Now()
		c.holdingElement = g.holders.PushBack(c)
	}
}

// unmarkHolding undoes markHolding. g.mu is held.
func (g *connections) unmarkHolding(c *conn) {
	if c.holdingElement != nil {
		g.holders.Remove(c.holdingElement)
		c.holdingElement = nil
	}
}

// holdingMin is how long an incomplete request may hold bytes before it may be evicted in favor of
// another request.
const holdingMin = time.Second

// evictHolder closes the connection, other than c, whose incomplete request has held bytes for
// longest. It returns false if there is none, or if that one has held them for less than
// holdingMin.
func (g *connections) evictHolder(c *conn) bool {
	g.mu.Lock()
	var evicted *conn
	for e := g.holders.Front(); e != nil && evicted == nil; e = e.Next() {
		if held := e.Value.(*conn); held != c {
			evicted = held
		}
	}
	if evicted == nil || time.Since(evicted.heldSince) < holdingMin {
		g.mu.Unlock()
		return false
	}
	g.remove(evicted)
	g.rejections.add(evictedHolder)
	g.mu.Unlock()
	evicted.Conn.Close()
	return true
}

// markResponding marks a connection as idle while its response is written: a client that does not
// read its response must not keep a new connection out.
func (g *connections) markResponding(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.admitted && c.idleElement == nil {
		g.markIdle(c)
	}
}

type connKey struct{}

// context puts the connection into the context of its requests, for connOf.
func (g *connections) context(ctx context.Context, c net.Conn) context.Context {
	return context.WithValue(ctx, connKey{}, c)
}

// connOf returns the connection of a request; nil if Server does not limit its connections.
func connOf(ctx context.Context) *conn {
	c, _ := ctx.Value(connKey{}).(*conn)
	return c
}

// wrap returns a handler that marks a connection as busy while h serves its request, and that
// serves only GET /healthz on a spare connection.
func (g *connections) wrap(h http.Handler) http.Handler {
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
				g.rejections.add(rejectedConnection)
				respondNoConnection(w)
				return
			}
		}
		if r.ContentLength == 0 {
			g.begin(c)
		} else {
			c.body = trackedBody{ReadCloser: r.Body, conn: c}
			r.Body = &c.body
		}
		h.ServeHTTP(w, r)
	})
}

// trackedBody calls connections.begin when the last byte of a request has arrived.
type trackedBody struct {
	io.ReadCloser
	conn *conn
}

func (b *trackedBody) Read(p []byte) (int, error) {
	n, err := b.ReadCloser.Read(p)
	if err != nil && b.conn != nil {
		b.conn.connections.begin(b.conn)
		b.conn = nil
	}
	return n, err
}
