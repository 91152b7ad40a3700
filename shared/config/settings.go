// Package config reads what an operator writes: the settings of a server or of the functions of a
// cloud, and other texts in YAML or JSON.
package config

import (
	"cmp"
	"fmt"
	"maps"
	"math"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/rpc/server"
	"millrace/shared/store"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// Settings is the configuration file (docs/configuration.md).
type Settings struct {
	Region  string           // name of the region; local
	Account string           // account of an open server
	Limits  map[string]int64 // CloudFlow's limits, which may be raised: see LimitNames
	// FlowV1: a mapping source that selects nothing fails the step.
	StrictPaths    bool
	Rates          map[string]server.Rate // requests by operation, "*": all others; default none
	CloudFlowRates bool                   // CloudFlow's own request rates; Rates overrides them
	RetentionDays  int64                  // how long ended executions are kept; 90
	LeaseSeconds   int64                  // lease of a call, before it must be renewed; 600
	CallsPerRun    int                    // concurrent calls of one execution; 128
	SweepSeconds   int64                  // interval of the sweeper; 60
	CheckNonces    bool                   // reject a repeated signature nonce for every operation
	Hosts          []string               // further host names of the server, for V3 signatures
	AllowLoopback  *bool                  // flows may call this machine; true for an open server
	// Flows may call private networks; true for an open server.
	AllowPrivate *bool
	// If not empty, the only hosts and networks that flows may call.
	Allow             []string
	FreeMegabytes     int64 // writes are rejected below this free disk space; 256
	MemtableMegabytes int64 // write buffer of the store; 32
	// Max memory for requests and responses in flight. Default: what the process may use.
	MemoryMegabytes int64
	// Shards of the wake index of a cloud store, at least; it never falls. Default: as stored, 16.
	WakeShards int64
	// Shards of the list of a flow's executions, from its next update on; 4.
	ListShards int64
	Metrics    string // address of the metrics, host:port; default none
	Shares     Shares // capacity of what the accounts share
	AccessLog  bool   // one log line per request
	// Address that carries out every task instead of functions and services, for rehearsals.
	Tasks string
}

// Shares configures the capacity of what the accounts of a server share (docs/configuration.md). 0
// means the default.
type Shares struct {
	Requests int64 // open requests; default: the max number of connections
	Polls    int64 // requests that wait for the end of an execution; default: half of Requests
	Express  int64 // Express executions with a waiting caller; default: a quarter of Requests
	// Calls is the number of calls in flight. Default: a quarter of the files that the process may
	// open, within what memory allows.
	Calls int64
}

// ConnectionsMax is the largest number of clients that may be connected to a server.
const ConnectionsMax = 16_384

// retentionMin is the shortest retention, in days: a redelivered event must still find its
// execution. retentionMax means forever. A longer retention would overflow time.Duration and expire
// at once.
const (
	retentionMin = 7
	retentionMax = 36_500
)

// sweepMax is the longest interval of the sweeper, in seconds: a sweep sends hints for wake times
// up to two minutes ahead.
const sweepMax = 120

// leaseMax, freeMax, memtableMax and memoryMax are the largest plausible values: a day, a pebibyte,
// the maximum of the store, and a pebibyte.
const (
	leaseMax    = int64(engine.ExclusiveLeaseMax / time.Second)
	freeMax     = 1 << 30
	memtableMax = 2_048
	memoryMax   = 1 << 30
)

// secondsMax and limitMax bound Limits: a hundred years, and the limit with which stored
// definitions are compiled.
const (
	secondsMax = 100 * 365 * 86_400
	limitMax   = 1 << 40
)

// Load reads a configuration file, YAML or JSON; "" has no settings. Errors say what to do.
func Load(path string) (Settings, error) {
	var s Settings
	if path == "" {
		return s, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse parses the text of a configuration file. Errors begin with name.
func Parse(name string, text []byte) (Settings, error) {
	var s Settings
	root, err := read(text, &s)
	if err == nil && root != nil {
		err = s.check(root)
	}
	if err != nil {
		return s, inFile(name, err)
	}
	return s, nil
}

// inFile returns an error that begins with its place as a mistake in a file.
func inFile(name string, err error) *yamldoc.FileError {
	e := &yamldoc.FileError{Path: name}
	place, message, _ := strings.Cut(err.Error(), ": ")
	fmt.Sscanf(place, ":%d:%d", &e.Line, &e.Column)
	e.Message = message + "; docs/configuration.md lists the settings"
	return e
}

// check rejects implausible settings. An error begins with the place in the text, like the errors
// of read.
func (s *Settings) check(root *yamldoc.Node) error {
	for i := range root.Fields {
		f := &root.Fields[i]
		if err := s.checkSetting(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Settings) checkSetting(f *yamldoc.Field) error {
	switch strings.ToLower(f.Key) {
	case "region":
		if !isName(s.Region) {
			return errorAt(f.Value, "Region must be 1 to 64 letters, digits, '-' or '_'")
		}
	case "account":
		if !isName(s.Account) {
			return errorAt(f.Value, "Account must be 1 to 64 letters, digits, '-' or '_'")
		}
	case "tasks":
		if u, err := url.Parse(s.Tasks); s.Tasks != "" &&
			(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return errorAt(f.Value, "Tasks must be an address that begins with http:// or https://")
		}
	case "retentiondays":
		if s.RetentionDays != 0 && (s.RetentionDays < retentionMin ||
			s.RetentionDays > retentionMax) {
			return errorAt(f.Value, "RetentionDays must be at least %d, and at most %d",
				retentionMin, retentionMax)
		}
	case "sweepseconds":
		if s.SweepSeconds < 0 || s.SweepSeconds > sweepMax {
			return errorAt(f.Value, "SweepSeconds must be from 1 to %d: waits are only as precise "+
				"as the sweep", sweepMax)
		}
	case "leaseseconds":
		return bounded(f, s.LeaseSeconds, leaseMax)
	case "wakeshards":
		return bounded(f, s.WakeShards, store.WakeShardsMax)
	case "listshards":
		return bounded(f, s.ListShards, store.ListShardsMax)
	case "callsperrun":
		return bounded(f, int64(s.CallsPerRun), math.MaxInt32)
	case "memorymegabytes":
		return bounded(f, s.MemoryMegabytes, memoryMax)
	case "memtablemegabytes":
		return bounded(f, s.MemtableMegabytes, memtableMax)
	case "freemegabytes":
		if s.FreeMegabytes < -freeMax || s.FreeMegabytes > freeMax {
			return errorAt(f.Value, "FreeMegabytes must be at most %d; below 0 there is no floor",
				freeMax)
		}
	case "metrics":
		if _, _, err := net.SplitHostPort(s.Metrics); s.Metrics != "" && err != nil {
			return errorAt(f.Value, "Metrics must be an address like 127.0.0.1:9464")
		}
	case "shares":
		for _, n := range []int64{s.Shares.Requests, s.Shares.Polls, s.Shares.Express,
			s.Shares.Calls} {
			if n < 0 || n > ConnectionsMax {
				return errorAt(f.Value, "Shares must be above 0, and at most %d", ConnectionsMax)
			}
		}
	case "rates":
		for i := range f.Value.Fields {
			if err := s.checkRate(&f.Value.Fields[i]); err != nil {
				return err
			}
		}
	case "limits":
		for i := range f.Value.Fields {
			limit := &f.Value.Fields[i]
			if err := checkLimit(limit.Key, s.Limits[limit.Key]); err != nil {
				return errorAt(limit.Value, "%w", err)
			}
		}
	}
	return nil
}

// bounded rejects values below 0 and above limit; 0 means the default.
func bounded(f *yamldoc.Field, n, limit int64) error {
	if n < 0 || n > limit {
		return errorAt(f.Value, "%s must be above 0, and at most %d", f.Key, limit)
	}
	return nil
}

// isName reports whether s may be part of a resource name. "" is valid and means the default.
func isName(s string) bool {
	return len(s) <= 64 && strings.Trim(
		s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func (s *Settings) checkRate(f *yamldoc.Field) error {
	if f.Key != "*" && !server.IsOperation(f.Key) {
		return fmt.Errorf(":%d:%d: Rates: there is no operation %s; \"*\" stands for all others",
			f.Line, f.Column, value.Quote(f.Key))
	}
	if r := s.Rates[f.Key]; r.Bucket < 1 || r.PerSecond <= 0 {
		return errorAt(f.Value, "Rates: %s needs a Bucket of at least 1 and a PerSecond above 0",
			f.Key)
	}
	return nil
}

// FlowLimits returns CloudFlow's limits with the changes of the settings.
func (s *Settings) FlowLimits() (flow.Limits, error) {
	l := flow.DefaultLimits()
	l.StrictPaths = s.StrictPaths
	v := reflect.ValueOf(&l).Elem()
	for name, n := range s.Limits {
		if err := checkLimit(name, n); err != nil {
			return l, fmt.Errorf("configuration: %w", err)
		}
		v.FieldByName(name).SetInt(n)
	}
	return l, nil
}

func checkLimit(name string, n int64) error {
	if names := LimitNames(); !slices.Contains(names, name) {
		return fmt.Errorf("there is no limit %s; the limits are %s", value.Quote(name),
			strings.Join(names, ", "))
	}
	nMax := int64(limitMax)
	if strings.Contains(name, "Seconds") {
		nMax = secondsMax
	}
	if n <= 0 || n > nMax {
		return fmt.Errorf("limit %s must be above 0, and at most %d", name, nMax)
	}
	return nil
}

// LimitNames returns the names of the limits that a configuration may change.
func LimitNames() []string {
	var names []string
	t := reflect.TypeOf(flow.Limits{})
	for i := range t.NumField() {
		if k := t.Field(i).Type.Kind(); k == reflect.Int || k == reflect.Int64 {
			names = append(names, t.Field(i).Name)
		}
	}
	return names
}

// RequestRates returns the request rates by operation; nil if there are none.
func (s *Settings) RequestRates() map[string]server.Rate {
	rates := map[string]server.Rate{}
	if s.CloudFlowRates {
		rates = server.DefaultRates()
	}
	maps.Copy(rates, s.Rates)
	if len(rates) == 0 {
		return nil
	}
	return rates
}

// Lease returns the lease of a call.
func (s *Settings) Lease() time.Duration { return seconds(s.LeaseSeconds, 600) }

// Retention returns how long ended executions are kept.
func (s *Settings) Retention() time.Duration {
	return seconds(s.RetentionDays*86_400, 90*86_400)
}

// SweepInterval returns the interval of the sweeper.
func (s *Settings) SweepInterval() time.Duration { return seconds(s.SweepSeconds, 60) }

func seconds(n, def int64) time.Duration {
	return time.Duration(cmp.Or(n, def)) * time.Second
}

// Memory returns how many bytes of memory the process may use.
func (s *Settings) Memory() int64 {
	if s.MemoryMegabytes > 0 {
		return s.MemoryMegabytes << 20
	}
	return inflight.Memory()
}

// requestParts is the divisor of Memory that gives the budget of requests being read or served. The
// budget counts bytes as sent. Each of them takes several bytes of memory, as a parameter and as
// the input of an execution.
const requestParts = 8

// RequestBudget returns the budget of request bytes. It always has room for a few of the largest
// requests.
func (s *Settings) RequestBudget(limits flow.Limits) *inflight.Budget {
	return inflight.New(inflight.Part(s.Memory(), requestParts, 4*int64(limits.RequestBytes)))
}
