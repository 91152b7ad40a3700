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

// Shares is how much a server has of what its accounts share (docs/configuration.md). 0 is the
// default.
type Shares struct {
	Requests int64 // open requests; as many as clients may be connected
	Polls    int64 // requests that wait for the end of an execution; half of Requests
	Express  int64 // Express executions that are waited for; a quarter of Requests
	// Calls are calls in flight; a quarter of the files that the process may open, and no more
	// than memory has room for.
	Calls int64
}

// pools are the shares of a running server.
type pools struct {
	requests, polls, express, calls, processors *share.Pool
	responses                                   *inflight.Responses
}

// newPools divides between accounts when there are several; one alone may use everything, and need
// not take turns.
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
	p := pools{requests: pool("requests", requests), polls: pool("long polls", intOr(s.Polls, polls)),
		express:   pool("Express executions", intOr(s.Express, express)),
		calls:     pool("calls", intOr(s.Calls, settings.callsWithin(callsMax(files)))),
		responses: newResponses(settings.memory(), limits, several)}
	if several {
		p.processors = share.New(share.Options{Name: "processors", Capacity: int64(max(processors(), 2)), RoundRobin: true})
	}
	return p
}

// spareThreads is how many threads of a server with several accounts may run at once beside one for
// each processor. What comes back from a system call, such as the sync of the log that everybody
// waits for, has to wait in Go's queue behind what computes, for up to 10 ms each; the system's
// scheduler lets it go first.
const spareThreads = 2

// processors returns how many processors the server has, and gives it its spare threads, unless
// GOMAXPROCS says how many it may have.
var processors = sync.OnceValue(func() int {
	n := runtime.GOMAXPROCS(0)
	if os.Getenv("GOMAXPROCS") == "" {
		runtime.GOMAXPROCS(n + spareThreads)
	}
	return n
})

// connectionsMax is how many clients may be connected, where the files that the process may open
// allow it.
const connectionsMax = 16_384

// connections is how many clients may be connected: half of the files are for the store and for
// calls.
func connections(files uint64) int {
	if files == 0 || files/2 > connectionsMax {
		return connectionsMax
	}
	return max(int(files/2), 16)
}

// callsMax is how many calls may be in flight: each may take a file, and the store and clients need
// some.
func callsMax(files uint64) int64 {
	return int64(min(max(files/4, 16), connectionsMax))
}

func intOr(n, otherwise int64) int64 {
	if n == 0 {
		return otherwise
	}
	return n
}

// engine are the shares that the engine looks after.
func (p *pools) engine() engine.Shares {
	return engine.Shares{Polls: p.polls, Express: p.express, Calls: p.calls, Processors: p.processors}
}

// all are the pools that there are, for metrics.
func (p *pools) all() []*share.Pool {
	return slices.DeleteFunc([]*share.Pool{p.requests, p.polls, p.express, p.calls, p.processors, p.responses.Reading, p.responses.Decoded},
		func(one *share.Pool) bool { return one == nil })
}
