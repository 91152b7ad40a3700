package local

import (
	"cmp"
	"os"
	"runtime"
	"slices"
	"sync"

	"millrace/shared/app"
	"millrace/shared/config"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/share"
)

// pools are the shares of a running server.
type pools struct {
	requests, polls, express, calls, processors *share.Pool
	responses                                   *inflight.Responses
}

// newPools divides the capacity between accounts if there are several. A single account may use
// everything and needs no turns.
func newPools(settings *config.Settings, limits flow.Limits, several bool, files uint64) pools {
	s, memory := settings.Shares, settings.Memory()
	requests := cmp.Or(s.Requests, int64(connectionsWithin(connections(files), memory)))
	polls, express := requests, requests
	if several {
		polls, express = max(requests/2, 1), max(requests/4, 1)
	}
	pool := func(name string, capacity int64) *share.Pool {
		return share.New(share.Options{Name: name, Capacity: capacity, SingleAccount: !several})
	}
	p := pools{
		requests:  pool("requests", requests),
		polls:     pool("long polls", cmp.Or(s.Polls, polls)),
		express:   pool("Express executions", cmp.Or(s.Express, express)),
		calls:     pool("calls", cmp.Or(s.Calls, callsWithin(callsMax(files), memory))),
		responses: app.NewResponses(memory, limits, several),
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

// connections returns how many clients may be connected. Half of the files are reserved for the
// store and for calls.
func connections(files uint64) int {
	if files == 0 || files/2 > config.ConnectionsMax {
		return config.ConnectionsMax
	}
	return max(int(files/2), 16)
}

// callsMax returns how many calls may be in flight. Each may use a file, and the store and clients
// need files too.
func callsMax(files uint64) int64 {
	return int64(min(max(files/4, 16), config.ConnectionsMax))
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
