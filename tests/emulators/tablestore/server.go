package tablestore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Server. The zero value is right for most tests.
type Options struct {
	Instance string // "": DefaultInstance
	Keys     []Key  // nil: DefaultKey

	// Now is the time of tables, versions and keys; nil: the clock. The times of requests go by the clock always.
	Now func() time.Time

	// IndexLag is how long a global index is behind its table; SetIndexLag changes it.
	IndexLag time.Duration
	// ReadyAfter is how long a new table answers OTSTableNotReady.
	ReadyAfter time.Duration
	// TableRate is how many operations on tables a second takes, as the service bounds them to 10, and then also
	// UpdateTable of a table to one in two minutes; 0: no bound.
	TableRate int
	// PageRows and PageBytes are what a page of GetRange may scan; 0: 5000 rows, 4 MB. Smaller ones make clients
	// follow more pages.
	PageRows, PageBytes int
}

// DefaultInstance is the instance of a Server that names none.
const DefaultInstance = "millrace"

// DefaultKey is the key of a Server that is given none.
var DefaultKey = Key{ID: "test", Secret: "test"}

// Server is one instance of TableStore. It is safe for many goroutines.
type Server struct {
	o        Options
	lag      atomic.Int64 // ns
	fault    atomic.Pointer[func(Request) Fault]
	requests atomic.Int64 // for their ids

	keyMu sync.RWMutex
	keys  map[string]Key

	mu     sync.RWMutex // for the names; a table has a lock of its own
	tables map[string]*table

	rateMu  sync.Mutex
	second  int64 // since 1970
	inIt    int   // table operations in that second
	updated map[string]time.Time

	usage meter
}

// New returns a Server without tables.
func New(o Options) *Server {
	if o.Instance == "" {
		o.Instance = DefaultInstance
	}
	if o.Keys == nil {
		o.Keys = []Key{DefaultKey}
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.PageRows <= 0 {
		o.PageRows = maxPageRows
	}
	if o.PageBytes <= 0 {
		o.PageBytes = maxPageBytes
	}
	s := &Server{o: o, tables: map[string]*table{}, updated: map[string]time.Time{}}
	s.lag.Store(int64(o.IndexLag))
	s.SetKeys(o.Keys...)
	return s
}

// SetIndexLag changes how long global indexes are behind, for later writes.
func (s *Server) SetIndexLag(d time.Duration) { s.lag.Store(int64(d)) }

// SetKeys replaces the keys: those not named are no longer known.
func (s *Server) SetKeys(keys ...Key) {
	byID := make(map[string]Key, len(keys))
	for _, k := range keys {
		byID[k.ID] = k
	}
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	s.keys = byID
}

// SetFault makes fault decide what befalls each request from now on; nil: nothing does. It is called once a request,
// by many goroutines, after the signature was found right.
func (s *Server) SetFault(fault func(Request) Fault) {
	if fault == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&fault)
}

// table finds a table or index that can be used.
func (s *Server) table(name string) (*table, *Error) {
	t, err := s.anyTable(name)
	if err != nil {
		return nil, err
	}
	if s.o.Now().Before(t.readyAt) {
		return nil, errTableNotReady
	}
	return t, nil
}

func (s *Server) anyTable(name string) (*table, *Error) {
	s.mu.RLock()
	defer s.mu.RUnlock()
	t, ok := s.tables[name]
	if !ok {
		return nil, errObjectNotExist
	}
	return t, nil
}

func (s *Server) requestID() string {
	return fmt.Sprintf("0005e000-0000-0000-0000-%012x", s.requests.Add(1))
}
