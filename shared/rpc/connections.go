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
	capacity      int
	spareCapacity int
	bytes         *inflight.Budget // of requests that are not whole; nil: no bound
	rejections    *Rejections

	mu        sync.Mutex
	open      int // without those in spare places
	spareOpen int
	peers     map[netip.Prefix]*peer
	byIdle    peerHeap    // all clients, the one with most waiting connections first
	spareIdle linked.List // of *conn in spare places that wait
	holders   linked.List // of *conn that hold bytes of a request that is not whole, in the order in which they began to
}

// idleMin is how long a connection may wait for its client before it can be cut off: long enough for one that means it.
const idleMin = 100 * time.Millisecond

// sparePlaces is how many connections beyond the bound are looked at for GET /healthz.
const sparePlaces = 16

func newConnections(capacity int, bytes *inflight.Budget, refused *Rejections) *connections {
	return &connections{capacity: capacity, spareCapacity: sparePlaces, bytes: bytes, rejections: refused,
		peers: map[netip.Prefix]*peer{}}
}

// peer is where connections come from: an address, or a network of 64 bits of IPv6, which one
// machine may have.
type peer struct {
	from      netip.Prefix
	open      int
	idle      linked.List // of *conn
	heapIndex int         // in the crowd
}

// peerHeap is a heap: whose connection is cut off next comes first.
type peerHeap []*peer

func (w peerHeap) Len() int { return len(w) }

func (w peerHeap) Less(i, j int) bool {
	a, b := w[i].idle.Len(), w[j].idle.Len()
	return a > b || a == b && a > 0 && w[i].longestIdle().idleSince.Before(w[j].longestIdle().idleSince)
}

func (w peerHeap) Swap(i, j int) {
	w[i], w[j] = w[j], w[i]
	w[i].heapIndex, w[j].heapIndex = i, j
}

func (w *peerHeap) Push(x any) {
	x.(*peer).heapIndex = len(*w)
	*w = append(*w, x.(*peer))
}

func (w *peerHeap) Pop() any {
	last := len(*w) - 1
	c := (*w)[last]
	(*w)[last] = nil
	*w = (*w)[:last]
	return c
}

// longestIdle is the connection that has waited longest.
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

// acquire takes in a new connection; false when there is no place. While nobody has waited for long, it waits itself, and
// those that come later with it.
func (g *connections) acquire(c *conn) bool {
	c.from = addressOf(c.Conn)
	c.headHold.Budget = g.bytes
	for {
		ok, evicted, wait := g.tryAcquire(c)
		if evicted != nil {
			evicted.Conn.Close() // net/http sees that, and closes it too
		}
		if wait <= 0 {
			return ok
		}
		time.Sleep(wait)
	}
}

// tryAcquire is enter without waiting: it returns how long to, and the connection to close for this one.
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

// evict makes room, if anybody waits: it forgets the connection that the caller must close, or
// returns how long to wait until one may be cut off. g.mu is held.
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

// add gives a connection a place; g.mu is held.
func (g *connections) add(c *conn) {
	owner := g.peers[c.from]
	if owner == nil {
		owner = &peer{from: c.from}
		g.peers[c.from] = owner
		heap.Push(&g.byIdle, owner)
	}
	owner.open++
	g.open++
	c.peer, c.admitted, c.isSpare = owner, true, false
	g.markIdle(c)
}

// markIdle puts a connection behind those that wait; g.mu is held.
func (g *connections) markIdle(c *conn) {
	c.idleSince = time.Now()
	if c.isSpare {
		c.idleElement = g.spareIdle.PushBack(c)
		return
	}
	c.idleElement = c.peer.idle.PushBack(c)
	heap.Fix(&g.byIdle, c.peer.heapIndex)
}

// unmarkIdle takes a connection out of those that wait; g.mu is held.
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

// remove forgets a connection; g.mu is held.
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

// release forgets a connection that is closed.
func (g *connections) release(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.remove(c)
	c.headHold.Release()
}

// begin and end enclose the serving of a request that is there as a whole.
func (g *connections) begin(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.unmarkIdle(c)
}

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

// promote reports whether a connection has a place of its own, which one in a spare place gets if
// there is one by now.
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
	own := !c.isSpare
	g.mu.Unlock()
	if evicted != nil {
		evicted.Conn.Close()
	}
	return own
}

// markHolding notes that a connection holds bytes of a request that is not whole.
func (g *connections) markHolding(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.holdingElement == nil && c.admitted && c.idleElement != nil {
		c.heldSince = time.Now()
		c.holdingElement = g.holders.PushBack(c)
	}
}

// unmarkHolding is holds undone; g.mu is held.
func (g *connections) unmarkHolding(c *conn) {
	if c.holdingElement != nil {
		g.holders.Remove(c.holdingElement)
		c.holdingElement = nil
	}
}

// holdingMin is how long a request may be on its way, and hold bytes, before it can be cut off for
// the bytes of another.
const holdingMin = time.Second

// evictHolder cuts off the request that has held bytes for longest without being whole; false when
// there is none but c that has done so for a while.
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

// markResponding puts a connection among those that wait while its answer is written: a client that does not read holds no place
// that a newcomer needs.
func (g *connections) markResponding(c *conn) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if c.admitted && c.idleElement == nil {
		g.markIdle(c)
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

// wrap wraps a handler.
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

// trackedBody notices when the last byte of a request has come.
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
