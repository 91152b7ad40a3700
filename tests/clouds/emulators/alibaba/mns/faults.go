package mns

import (
	"math/rand/v2"
	"time"
)

// Faults are random faults, each with a probability from 0 to 1. The same seed and the same calls
// in the same order yield the same faults.
type Faults struct {
	Seed uint64

	Duplicate float64 // a received message can be received again at once
	Reorder   float64 // a receive returns any visible message instead of the first
	Lose      float64 // a message is accepted and forgotten

	Refuse     float64 // a call fails before it does anything: InternalError
	Throttle   float64 // a call fails before it does anything: QpsLimitExceeded
	LoseAnswer float64 // a call is carried out, and the connection breaks before the response
	Latency    time.Duration
}

// Call is one authenticated call.
type Call struct {
	Op    string // SendMessage, BatchSendMessage, ReceiveMessage, …
	Queue string // or the topic
	N     int64  // number of calls of the operation so far, including this one
}

// Fault is what happens to one call.
type Fault uint8

// The faults of a call.
const (
	None        Fault = iota
	Refuse            // InternalError, nothing is done
	Throttle          // QpsLimitExceeded, nothing is done
	Deny              // AccessDenied, nothing is done
	LoseCall          // the connection is closed, nothing is done
	LoseAnswer        // the call is carried out, then the connection is closed
	PartialSend       // a BatchSendMessage accepts the first message and refuses the others
)

// SetFaults replaces the random faults.
func (s *Server) SetFaults(f Faults) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.faults, s.random = f, rand.New(rand.NewPCG(f.Seed, 0))
}

// SetHook lets f decide about each call before chance does; nil removes the hook. f must not call
// the server.
func (s *Server) SetHook(f func(Call) Fault) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.hook = f
}

// chance draws an event of probability p. The caller holds mu.
func (s *Server) chance(p float64) bool { return p > 0 && s.random.Float64() < p }

// fate counts a call and returns its fault and its latency.
func (s *Server) fate(op, queue string) (Fault, time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.calls[op]++
	if s.hook != nil {
		if f := s.hook(Call{op, queue, s.calls[op]}); f != None {
			return f, s.faults.Latency
		}
	}
	switch {
	case s.chance(s.faults.Refuse):
		return Refuse, s.faults.Latency
	case s.chance(s.faults.Throttle):
		return Throttle, s.faults.Latency
	case s.chance(s.faults.LoseAnswer):
		return LoseAnswer, s.faults.Latency
	}
	return None, s.faults.Latency
}
