package store

import (
	"strings"

	"millrace/shared/flow"
	"millrace/shared/store/driver"
)

// Summary is an execution as the list index shows it. It may lag behind the state row.
type Summary struct {
	Partition string
	Name      string
	Sort      string // position in the list: see ListOptions.Before
	Status    flow.Status
	Stopped   int64 // ms since 1970; 0 while it runs
	Started   int64 // ms since 1970
	Qualifier string
	MapRun    string

	// Source says what has started it: see Execution.Source.
	Source     string
	SearchKeys []flow.SearchKey
	// Of one that has failed, timed out or was stopped; a stop has no failure.
	ErrorName string
	Failure   Failure
}

// How an Execution.Source begins.
const (
	SourceKey       = "key:"
	SourceSchedule  = "schedule:"
	SourceEvent     = "event:"
	SourceExecution = "execution:"
	SourceFork      = "fork:"
)

// Failure is where an execution failed, as lists show it.
type Failure struct {
	State string // that failed first; "": none did
	Group uint64 // see flow.FailureGroup; 0: none
}

// Fields of an execution in the list index. Those from listedSource on are nowhere else in the row.
const (
	listedStatus    = 1
	listedStopped   = 2
	listedStarted   = 3
	listedQualifier = 4
	listedMapRun    = 5
	listedSource    = 6
	listedSearchKey = 7 // repeated message
	listedErrorName = 8
	listedState     = 9
	listedGroup     = 10
)

// Fields of a search key.
const (
	searchKeyName  = 1
	searchKeyValue = 2
)

// Summary returns what the list shows of an execution, but for its place.
func (x *Execution) Summary() Summary {
	s := Summary{Partition: x.Partition(), Name: x.Name, Status: x.Status, Stopped: x.Stopped,
		Started: x.Started, Qualifier: x.Qualifier, MapRun: x.MapRun, Source: x.Source,
		SearchKeys: x.SearchKeys}
	if x.hasFailed() {
		if s.Failure = x.Failure; x.Error != nil {
			s.ErrorName = x.Error.Name
		}
	}
	return s
}

// hasFailed reports whether it has ended other than well.
func (x *Execution) hasFailed() bool { return x.Status.Final() && x.Status != flow.Succeeded }

func (x *Execution) listFields() []byte {
	w := flow.FieldWriter{Buf: make([]byte, 0, 32)}
	w.Uint(listedStatus, uint64(x.Status))
	w.Uint(listedStopped, uint64(x.Stopped))
	w.Uint(listedStarted, uint64(x.Started))
	w.String(listedQualifier, x.Qualifier)
	w.String(listedMapRun, x.MapRun)
	w.String(listedSource, x.Source)
	for _, k := range x.SearchKeys {
		start := w.Begin(listedSearchKey)
		w.String(searchKeyName, k.Name)
		w.String(searchKeyValue, k.Value)
		w.End(start)
	}
	if x.hasFailed() {
		if x.Error != nil {
			w.String(listedErrorName, x.Error.Name)
		}
		w.String(listedState, x.Failure.State)
		w.Fixed(listedGroup, x.Failure.Group)
	}
	w.Unknown(x.unknownListed)
	return w.Buf
}

func decodeSummary(l driver.Listed) (Summary, error) {
	_, name, _ := strings.Cut(l.Sort, "#")
	s := Summary{Partition: l.Key.Partition, Name: name, Sort: l.Sort}
	_, err := s.decode(l.Fields)
	return s, err
}

// decode reads the fields of an entry in the list. unknown are those that only a newer program
// knows.
func (s *Summary) decode(fields []byte) (unknown []byte, err error) {
	r := flow.ReadFields(fields)
	for r.Next() {
		switch r.Field {
		case listedStatus:
			s.Status = flow.Status(r.Small(uint64(flow.TimedOut)))
		case listedStopped:
			s.Stopped = int64(r.Uint())
		case listedStarted:
			s.Started = int64(r.Uint())
		case listedQualifier:
			s.Qualifier = r.String()
		case listedMapRun:
			s.MapRun = r.String()
		case listedSource:
			s.Source = r.String()
		case listedSearchKey:
			s.SearchKeys = append(s.SearchKeys, decodeSearchKey(&r))
		case listedErrorName:
			s.ErrorName = r.String()
		case listedState:
			s.Failure.State = r.String()
		case listedGroup:
			s.Failure.Group = r.Fixed()
		default:
			r.Keep(&unknown)
		}
	}
	return unknown, r.Err
}

func decodeSearchKey(r *flow.FieldReader) (k flow.SearchKey) {
	after := r.Enter()
	for r.Next() {
		switch r.Field {
		case searchKeyName:
			k.Name = r.String()
		case searchKeyValue:
			k.Value = r.String()
		}
	}
	r.Leave(after)
	return k
}

// decodeListed takes from the entry of the list what the row has nowhere else.
func (x *Execution) decodeListed(fields []byte) error {
	var s Summary
	unknown, err := s.decode(fields)
	x.Source, x.SearchKeys, x.Failure, x.unknownListed = s.Source, s.SearchKeys, s.Failure, unknown
	return err
}
