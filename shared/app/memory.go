package app

import (
	"millrace/shared/flow"
	"millrace/shared/inflight"
)

// memory returns how many bytes of memory the process may use.
func (s *Settings) memory() int64 {
	if s.MemoryMegabytes > 0 {
		return s.MemoryMegabytes << 20
	}
	return inflight.Memory()
}

// requestParts is the divisor of memory that gives the budget of requests being read or served. The
// budget counts bytes as sent. Each of them takes several bytes of memory, as a parameter and as
// the input of an execution.
const requestParts = 8

// requestBudget returns the budget of request bytes. It always has room for a few of the largest
// requests.
func (s *Settings) requestBudget(limits flow.Limits) *inflight.Budget {
	return inflight.New(inflight.Part(s.memory(), requestParts, 4*int64(limits.RequestBytes)))
}

// connectionBytes estimates the memory of a connection before anything is charged to a budget: its
// goroutine, the buffers of net/http and the beginning of a request.
const connectionBytes = 64 << 10

// connectionsWithin reduces limit so that connections take at most a quarter of the memory.
func (s *Settings) connectionsWithin(limit int) int {
	return int(max(min(int64(limit), s.memory()/4/connectionBytes), 16))
}

// callBytes estimates the memory of a call in flight: its parameters, which are as large as the
// local data of a state, as text and as a tree.
const callBytes = 256 << 10

// callsWithin reduces limit so that calls take at most a quarter of the memory.
func (s *Settings) callsWithin(limit int64) int64 {
	return max(min(limit, s.memory()/4/callBytes), 16)
}
