package httpclient

import (
	"sync"
	"time"
)

// Limits of idle connections: their number, in total and per address, and how long they are kept.
const (
	idleMax     = 2048
	idleHostMax = 512
	idleTime    = 90 * time.Second
)

// idlePool keeps idle connections for further exchanges. Its zero value is empty.
type idlePool struct {
	mu    sync.Mutex
	conns map[string][]*plainConn // by address, the longest idle first
	count int
	timer *time.Timer // set while there are idle connections
}

// take removes and returns the connection that was used last, nil if there is none.
func (p *idlePool) take(address string) *plainConn {
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.conns[address]
	if len(list) == 0 {
		return nil
	}
	last := len(list) - 1
	c := list[last]
	list[last] = nil
	p.conns[address] = list[:last]
	p.count--
	return c
}

// put keeps a connection, or closes it if the pool is full.
func (p *idlePool) put(c *plainConn) {
	c.idle = time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	list := p.conns[c.address]
	if p.count == idleMax || len(list) == idleHostMax {
		c.Close()
		return
	}
	if p.conns == nil {
		p.conns = map[string][]*plainConn{}
	}
	p.conns[c.address] = append(list, c)
	p.count++
	if p.timer == nil {
		p.timer = time.AfterFunc(idleTime, p.expire)
	}
}

// expire closes the connections that have been idle for longer than idleTime.
func (p *idlePool) expire() {
	p.mu.Lock()
	defer p.mu.Unlock()
	before := time.Now().Add(-idleTime)
	for address, list := range p.conns {
		n := 0
		for n < len(list) && !list[n].idle.After(before) {
			list[n].Close()
			list[n] = nil
			n++
		}
		p.count -= n
		if p.conns[address] = list[n:]; n == len(list) {
			delete(p.conns, address)
		}
	}
	if p.timer = nil; p.count > 0 {
		p.timer = time.AfterFunc(idleTime/2, p.expire)
	}
}

// closeAll closes all idle connections.
func (p *idlePool) closeAll() {
	p.mu.Lock()
	defer p.mu.Unlock()
	for _, list := range p.conns {
		for _, c := range list {
			c.Close()
		}
	}
	clear(p.conns)
	p.count = 0
}
