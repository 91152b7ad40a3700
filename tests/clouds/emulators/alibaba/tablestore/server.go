package tablestore

import (
	"fmt"
	"sync"
	"sync/atomic"
	"time"
)

// Options of a Server. The zero value suits most tests.
type Options struct {
	Instance string // "": DefaultInstance
	Keys     []Key  // nil: DefaultKey

	// Now is the clock of tables, versions and keys; nil: time.Now. The dates of requests are
	// always checked by time.Now.
	Now func() time.Time

	// IndexLag is the lag of global indexes behind their tables; SetIndexLag changes it.
	IndexLag time.Duration
	// ReadyAfter is how long requests to a new table fail with OTSTableNotReady.
	ReadyAfter time.Duration
	// TableRate is the maximum number of table operations per second; the service's is 10. If it is
	// set, UpdateTable of one table is limited, too, to once in two minutes. 0: no limits.
	TableRate int
	// PageRows and PageBytes limit what a page of GetRange may scan; 0: 5000 rows, 4 MB. Smaller
	// limits make clients read more pages.
	PageRows, PageBytes int
}

// DefaultInstance is the instance of a Server without a configured one.
const DefaultInstance = "millrace"

// DefaultKey is the key of a Server without configured keys.
var DefaultKey = Key{ID: "test", Secret: "test"}

// Server is one instance of TableStore. It is safe for concurrent use.
type Server struct {
	o        Options
	lag      atomic.Int64 // ns
	fault    atomic.Pointer[func(Request) Fault]
	requests atomic.Int64 // numbers the request ids

	keyMu sync.RWMutex
	keys  map[string]Key

	mu     sync.RWMutex // guards the names; each table has a lock of its own
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

// SetIndexLag changes the lag of global indexes for later writes.
func (s *Server) SetIndexLag(d time.Duration) { s.lag.Store(int64(d)) }

// SetKeys replaces the keys. All others become invalid.
func (s *Server) SetKeys(keys ...Key) {
	byID := make(map[string]Key, len(keys))
	for _, k := range keys {
		byID[k.ID] = k
	}
	s.keyMu.Lock()
	defer s.keyMu.Unlock()
	s.keys = byID
}

// SetFault sets the function that decides the fault of each later request; nil: none. The function
// is called once per request, after the signature has been verified, by concurrent goroutines.
func (s *Server) SetFault(fault func(Request) Fault) {
	if fault == nil {
		s.fault.Store(nil)
		return
	}
	s.fault.Store(&fault)
}

// table returns a table or index that is ready.
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
