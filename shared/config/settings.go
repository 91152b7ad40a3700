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
	"millrace/shared/yamldoc/strict"
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
	RedriveDays    int64                  // how long after their end they may be redriven; 14
	LeaseSeconds   int64                  // lease of a call, before it must be renewed; 600
	CallsPerRun    int                    // concurrent calls of one execution; 128
	SweepSeconds   int64                  // interval of the sweeper; 60
	CatchUpSeconds int64                  // how late a schedule may start its flow; 3600
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

// catchUpMin and catchUpMax bound CatchUpSeconds: a sweep that finds what is due comes up to two
// minutes late, and all times within the window are computed at once.
const (
	catchUpMin = 300
	catchUpMax = 31 * 86_400
)

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

// fileBytes is the largest file of settings, in bytes.
const fileBytes = 256 << 10

// Load reads a configuration file, YAML or JSON; "" has no settings. Errors say what to do.
func Load(path string) (Settings, error) {
	var s Settings
	if path == "" {
		return s, nil
	}
	text, err := strict.Read(path, fileBytes)
	if err != nil {
		return s, fmt.Errorf("configuration: %w", err)
	}
	return Parse(path, text)
}

// Parse parses the text of a configuration file. Errors begin with name.
func Parse(name string, text []byte) (Settings, error) {
	var s Settings
	err := strict.Decode(name, text, &s, strict.Options{BytesMax: fileBytes, Settings: true,
		Help: "docs/configuration.md lists the settings", Check: check})
	return s, err
}

// Decode decodes another text of an operator, YAML or JSON, like Parse. help follows the last
// mistake.
func Decode(name, text string, into any, help string) error {
	return strict.Decode(name, []byte(text), into,
		strict.Options{BytesMax: fileBytes, Settings: true, Help: help})
}

// check reports implausible settings.
func check(at strict.Place, v any) {
	s, ok := v.(*Settings)
	if !ok {
		return
	}
	s.checkTexts(at)
	s.checkNumbers(at)
	for name := range s.Rates {
		s.checkRate(at.Member("Rates"), name)
	}
	for name, n := range s.Limits {
		if err := checkLimit(name, n); err != nil {
			at.Member("Limits").Member(name).Failf("%v", err)
		}
	}
}

func (s *Settings) checkTexts(at strict.Place) {
	for name, text := range map[string]string{"Region": s.Region, "Account": s.Account} {
		if !isName(text) {
			at.Member(name).Failf("%s must be 1 to 64 letters, digits, '-' or '_'", name)
		}
	}
	if u, err := url.Parse(s.Tasks); s.Tasks != "" &&
		(err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
		at.Member("Tasks").Failf("Tasks must be an address that begins with http:// or https://")
	}
	if _, _, err := net.SplitHostPort(s.Metrics); s.Metrics != "" && err != nil {
		at.Member("Metrics").Failf("Metrics must be an address like 127.0.0.1:9464")
	}
}

func (s *Settings) checkNumbers(at strict.Place) {
	for _, c := range []struct {
		name    string
		n, nMax int64 // n from 0, which is the default, to nMax
	}{
		{"LeaseSeconds", s.LeaseSeconds, leaseMax},
		{"RedriveDays", s.RedriveDays, retentionMax},
		{"WakeShards", s.WakeShards, store.WakeShardsMax},
		{"ListShards", s.ListShards, store.ListShardsMax},
		{"CallsPerRun", int64(s.CallsPerRun), math.MaxInt32},
		{"MemoryMegabytes", s.MemoryMegabytes, memoryMax},
		{"MemtableMegabytes", s.MemtableMegabytes, memtableMax},
	} {
		if c.n < 0 || c.n > c.nMax {
			at.Member(c.name).Failf("%s must be above 0, and at most %d", c.name, c.nMax)
		}
	}
	if s.RetentionDays != 0 && (s.RetentionDays < retentionMin || s.RetentionDays > retentionMax) {
		at.Member("RetentionDays").Failf("RetentionDays must be at least %d, and at most %d",
			retentionMin, retentionMax)
	}
	if s.SweepSeconds < 0 || s.SweepSeconds > sweepMax {
		at.Member("SweepSeconds").Failf("SweepSeconds must be from 1 to %d: waits are only as "+
			"precise as the sweep", sweepMax)
	}
	if s.CatchUpSeconds != 0 && (s.CatchUpSeconds < catchUpMin || s.CatchUpSeconds > catchUpMax) {
		at.Member("CatchUpSeconds").Failf("CatchUpSeconds must be at least %d, and at most %d",
			catchUpMin, catchUpMax)
	}
	if s.FreeMegabytes < -freeMax || s.FreeMegabytes > freeMax {
		at.Member("FreeMegabytes").Failf("FreeMegabytes must be at most %d; below 0 there is no "+
			"floor", freeMax)
	}
	for _, n := range []int64{s.Shares.Requests, s.Shares.Polls, s.Shares.Express, s.Shares.Calls} {
		if n < 0 || n > ConnectionsMax {
			at.Member("Shares").Failf("Shares must be above 0, and at most %d", ConnectionsMax)
			break
		}
	}
}

// isName reports whether s may be part of a resource name. "" is valid and means the default.
func isName(s string) bool {
	return len(s) <= 64 && strings.Trim(
		s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

// checkRate checks the rate of an operation; at is the place of all rates.
func (s *Settings) checkRate(at strict.Place, name string) {
	if name != "*" && !server.IsOperation(name) {
		at.Key(name).Failf("Rates: there is no operation %s; \"*\" stands for all others",
			value.Quote(name))
	} else if r := s.Rates[name]; r.Bucket < 1 || r.PerSecond <= 0 {
		at.Member(name).Failf("Rates: %s needs a Bucket of at least 1 and a PerSecond above 0",
			name)
	}
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

// RedriveWindow returns how long after its end an execution may be redriven.
func (s *Settings) RedriveWindow() time.Duration {
	return seconds(s.RedriveDays*86_400, 14*86_400)
}

// Retention returns how long ended executions are kept.
func (s *Settings) Retention() time.Duration {
	return seconds(s.RetentionDays*86_400, 90*86_400)
}

// CatchUp returns how late a schedule may start its flow.
func (s *Settings) CatchUp() time.Duration { return seconds(s.CatchUpSeconds, 3600) }

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
