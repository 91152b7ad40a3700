package app

import (
	"os"
	"runtime"
	"slices"
	"sync"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/share"
)

// Shares configures the capacity of what the accounts of a server share (docs/configuration.md). 0
// means the default.
type Shares struct {
	Requests int64 // open requests; default: the max number of connections
	Polls    int64 // requests that wait for the end of an execution; default: half of Requests
	Express  int64 // Express executions with a waiting caller; default: a quarter of Requests
	// Calls is the number of calls in flight. Default: a quarter of the files that the process may
	// open, within what memory allows.
	Calls int64
}

// pools are the shares of a running server.
type pools struct {
	requests, polls, express, calls, processors *share.Pool
	responses                                   *inflight.Responses
}

// newPools divides the capacity between accounts if there are several. A single account may use
// everything and needs no turns.
func newPools(settings *Settings, limits flow.Limits, several bool, files uint64) pools {
	s := settings.Shares
	requests := intOr(s.Requests, int64(settings.connectionsWithin(connections(files))))
	polls, express := requests, requests
	if several {
		polls, express = max(requests/2, 1), max(requests/4, 1)
	}
	pool := func(name string, capacity int64) *share.Pool {
		return share.New(share.Options{Name: name, Capacity: capacity, SingleAccount: !several})
	}
	p := pools{
		requests:  pool("requests", requests),
		polls:     pool("long polls", intOr(s.Polls, polls)),
		express:   pool("Express executions", intOr(s.Express, express)),
		calls:     pool("calls", intOr(s.Calls, settings.callsWithin(callsMax(files)))),
		responses: newResponses(settings.memory(), limits, several),
	}
	if several {
		p.processors = share.New(share.Options{
			Name:       "processors",
			Capacity:   int64(max(processors(), 2)),
			RoundRobin: true,
		})
	}
	return p
}

// spareThreads is how many threads of a server with several accounts may run in addition to one per
// processor. A goroutine that returns from a system call, such as the log sync that every account
// waits for, must wait in Go's run queue behind goroutines that compute, for up to 10 ms each. The
// scheduler of the operating system runs it first.
const spareThreads = 2

// processors returns how many processors the server has. It also adds the spare threads, unless
// GOMAXPROCS is set.
var processors = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(n + spareThreads)
	}
	return n
})

// connectionsMax bounds the number of connected clients, if the process may open enough files.
const connectionsMax = 16_384

// connections returns how many clients may be connected. Half of the files are reserved for the
// store and for calls.
func connections(files uint64) int {
	if files == 0 || files/2 > connectionsMax {
		return connectionsMax
	}
	return max(int(files/2), 16)
}

// callsMax returns how many calls may be in flight. Each may use a file, and the store and clients
// need files too.
func callsMax(files uint64) int64 {
	return int64(min(max(files/4, 16), connectionsMax))
}

func intOr(n, def int64) int64 {
	if n == 0 {
		return def
	}
	return n
}

// engine returns the shares that the engine manages.
func (p *pools) engine() engine.Shares {
	return engine.Shares{
		Polls:      p.polls,
		Express:    p.express,
		Calls:      p.calls,
		Processors: p.processors,
	}
}

// all returns the existing pools, for metrics.
func (p *pools) all() []*share.Pool {
	return slices.DeleteFunc([]*share.Pool{p.requests, p.polls, p.express, p.calls, p.processors,
		p.responses.Reading, p.responses.Decoded},
		func(one *share.Pool) bool { return one == nil })
}
