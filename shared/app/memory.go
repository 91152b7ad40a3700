package app

import (
	"millrace/shared/flow"
	"millrace/shared/inflight"
)

// memory is how many bytes of memory the process may use, or should behave as if.
func (s *Settings) memory() int64 {
	if s.MemoryMegabytes > 0 {
		return s.MemoryMegabytes << 20
	}
	return inflight.Memory()
}

// requestParts says that requests which are being read or served may hold one part in so many of
// the memory. The budget counts bytes as they came; each of them takes several, as its parameter
// and as the input of an execution.
const requestParts = 8

// requestBudget bounds the bytes of requests. A few of the largest always fit.
func (s *Settings) requestBudget(limits flow.Limits) *inflight.Budget {
	return inflight.New(inflight.Part(s.memory(), requestParts, 4*int64(limits.RequestBytes)))
}

// connectionBytes is what a connection may take before anything is charged: its goroutine,
// net/http's buffers and the beginning of a request.
const connectionBytes = 64 << 10

// connectionsWithin bounds connections by memory, too: a quarter of it is for them.
func (s *Settings) connectionsWithin(most int) int {
	return int(max(min(int64(most), s.memory()/4/connectionBytes), 16))
}

// callBytes is what a call in flight may take: its parameters, which are as large as the local
// data of a state, as text and as a tree.
const callBytes = 256 << 10

// callsWithin bounds calls by memory, too: a quarter of it is for them.
func (s *Settings) callsWithin(most int64) int64 {
	return max(min(most, s.memory()/4/callBytes), 16)
}
