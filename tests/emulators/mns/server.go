package mns

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// What the emulator is when Options do not say.
const (
	AccountID       = "1234567890123456"
	Region          = "cn-hangzhou"
	AccessKeyID     = "test"
	AccessKeySecret = "secret"
)

// Key is an access key.
type Key struct {
	Secret  string
	Token   string    // of temporary credentials: requests must carry it; "": a lasting key
	Expires time.Time // when temporary credentials end; zero: never

	// May reports whether the key's policies allow an operation on a queue or a topic; nil: they
	// allow all.
	May func(op, name string) bool
}

// Options of a Server.
type Options struct {
	AccountID string         // owner of the queues; "": AccountID
	Region    string         // ""; Region
	Keys      map[string]Key // by access key ID; empty: AccessKeyID with AccessKeySecret

	// NameRest is how long the name of a deleted queue cannot be used again (QueueDeletedRecently); 0: not at all.
	NameRest time.Duration
}

// Server is an MNS. It is safe for many goroutines.
type Server struct {
	account, region string
	nameRest        time.Duration

	mu      sync.Mutex
	keys    map[string]Key
	queues  map[string]*queue
	topics  map[string]*topic
	deleted map[string]time.Time // queues by name
	ahead   time.Duration        // of the process's clock
	random  *rand.Rand
	faults  Faults
	hook    func(Call) Fault
	calls   map[string]int64
	serial  int64 // numbers messages, handles and requests
}

// New returns a Server without queues.
func New(o Options) *Server {
	s := &Server{account: o.AccountID, region: o.Region, nameRest: o.NameRest, queues: map[string]*queue{}, topics: map[string]*topic{},
		deleted: map[string]time.Time{}, calls: map[string]int64{}, random: rand.New(rand.NewPCG(0, 0))}
	if s.account == "" {
		s.account = AccountID
	}
	if s.region == "" {
		s.region = Region
	}
	s.SetKeys(o.Keys)
	return s
}

// SetKeys replaces the access keys; none stands for AccessKeyID with AccessKeySecret.
func (s *Server) SetKeys(keys map[string]Key) {
	if len(keys) == 0 {
		keys = map[string]Key{AccessKeyID: {Secret: AccessKeySecret}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

// Advance moves the server's clock ahead of the process's: what is delayed or hidden for less becomes visible. The
// times of requests and the ends of keys go by the process's.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	for _, q := range s.queues {
		q.wake()
	}
}

// Calls returns how many calls have been made that passed authentication, by operation.
func (s *Server) Calls() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make(map[string]int64, len(s.calls))
	for op, n := range s.calls {
		calls[op] = n
	}
	return calls
}

// CreateQueue creates a queue with the service's defaults, unless it is there.
func (s *Server) CreateQueue(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[name] == nil {
		s.queues[name] = newQueue(name, defaultAttributes(), s.now())
	}
}

// Bodies returns the bodies of the messages of a queue that are not deleted, visible or not, in the order of their
// arrival; nil for a queue that is not there.
func (s *Server) Bodies(name string) []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil {
		return nil
	}
	q.refresh(s.now())
	return q.bodies()
}

// Counts is how many messages of a queue can be received, have been received and not deleted, and are delayed; none of a
// queue that is not there. It is no call.
func (s *Server) Counts(name string) (active, inactive, delayed int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := s.queues[name]
	if q == nil {
		return 0, 0, 0
	}
	m := q.meta(s.now())
	return m.Active, m.Inactive, m.Delayed
}

// now is the server's time. The caller holds mu.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// next numbers something. The caller holds mu.
func (s *Server) next() int64 {
	s.serial++
	return s.serial
}

// Transport is a way to the server without a network, for clients in the same process. It serves any host.
func (s *Server) Transport() http.RoundTripper { return transport{s} }
