package mns

import (
	"math/rand/v2"
	"net/http"
	"sync"
	"time"
)

// Defaults of Options.
const (
	AccountID       = "1234567890123456"
	Region          = "cn-hangzhou"
	AccessKeyID     = "test"
	AccessKeySecret = "secret"
)

// Key is an access key.
type Key struct {
	Secret  string
	Token   string    // of temporary credentials: requests must carry it; "": a long-lived key
	Expires time.Time // when temporary credentials expire; zero: never

	// May reports whether the key's policies allow an operation on a queue or a topic; nil: they
	// allow all.
	May func(op, name string) bool
}

// Options of a Server.
type Options struct {
	AccountID string         // owner of the queues; "": AccountID
	Region    string         // "": Region
	Keys      map[string]Key // by access key ID; empty: AccessKeyID with AccessKeySecret

	// NameRest is how long the name of a deleted queue cannot be used again (QueueDeletedRecently);
	// 0: no time.
	NameRest time.Duration
}

// Server is an MNS. It is safe for concurrent use.
type Server struct {
	account, region string
	nameRest        time.Duration

	mu      sync.Mutex
	keys    map[string]Key
	queues  map[string]*queue
	topics  map[string]*topic
	deleted map[string]time.Time // queues by name
	ahead   time.Duration        // of the process's clock, set by Advance
	random  *rand.Rand
	faults  Faults
	hook    func(Call) Fault
	calls   map[string]int64
	serial  int64 // last number given to a message, a handle or a request
}

// New returns a Server without queues.
func New(o Options) *Server {
	s := &Server{
		account:  o.AccountID,
		region:   o.Region,
		nameRest: o.NameRest,
		queues:   map[string]*queue{},
		topics:   map[string]*topic{},
		deleted:  map[string]time.Time{},
		calls:    map[string]int64{},
		random:   rand.New(rand.NewPCG(0, 0)),
	}
	if s.account == "" {
		s.account = AccountID
	}
	if s.region == "" {
		s.region = Region
	}
	s.SetKeys(o.Keys)
	return s
}

// SetKeys replaces the access keys. Without keys, AccessKeyID with AccessKeySecret is valid.
func (s *Server) SetKeys(keys map[string]Key) {
	if len(keys) == 0 {
		keys = map[string]Key{AccessKeyID: {Secret: AccessKeySecret}}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.keys = keys
}

// Advance moves the server's clock ahead of the process's: messages that are delayed or hidden for
// less than d become visible. The dates of requests and the expiry of keys are checked by the
// process's clock.
func (s *Server) Advance(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
	for _, q := range s.queues {
		q.wake()
	}
}

// Calls returns the number of authenticated calls, by operation.
func (s *Server) Calls() map[string]int64 {
	s.mu.Lock()
	defer s.mu.Unlock()
	calls := make(map[string]int64, len(s.calls))
	for op, n := range s.calls {
		calls[op] = n
	}
	return calls
}

// CreateQueue creates a queue with the service's defaults, unless it exists.
func (s *Server) CreateQueue(name string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.queues[name] == nil {
		s.queues[name] = newQueue(name, defaultAttributes(), s.now())
	}
}

// Bodies returns the bodies of all messages of a queue that are not deleted, visible or not, in the
// order of their arrival; nil if the queue does not exist.
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

// Counts returns how many messages of a queue are visible, how many have been received and not
// deleted, and how many are delayed; zeros if the queue does not exist. Calls does not count it.
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

// now returns the server's time. The caller holds mu.
func (s *Server) now() time.Time { return time.Now().Add(s.ahead) }

// next returns the next number for a message, a handle or a request. The caller holds mu.
func (s *Server) next() int64 {
	s.serial++
	return s.serial
}

// Transport returns a transport to the server without a network, for clients in the same process.
// It serves any host.
func (s *Server) Transport() http.RoundTripper { return transport{s} }
