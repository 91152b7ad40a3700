// Package app connects the parts: it reads the configuration, opens store, queue, engine and API,
// and serves. It is the only package that imports them all.
package app

import (
	"fmt"
	"log/slog"
	"math"
	"net"
	"net/url"
	"os"
	"reflect"
	"slices"
	"strings"
	"time"

	"millrace/shared/engine"
	"millrace/shared/fdl/source"
	"millrace/shared/flow"
	"millrace/shared/rpc"
	"millrace/shared/task"
	"millrace/shared/value"
)

// Config configures a local server. Zero values mean the defaults.
type Config struct {
	Listen      string // host:port; 127.0.0.1:8642
	Data        string // directory of the store; ./.millrace
	Credentials string // credentials file; "": an open server, on loopback only
	Functions   string // functions file; "": none
	// PEM files of a certificate (with its chain) and its key, for TLS; "": plain HTTP.
	Certificate string
	Key         string
	Settings    Settings
	// SettingsFile is the file that Settings come from; "": none. Open warns if other users may
	// write it.
	SettingsFile string
	Log          *slog.Logger
	Ready        func(address string) // called when the server listens; may be nil

	// For embedding and tests.
	Tasks task.Runner // carries out every action; nil: the usual runners
	// The clock of executions; nil: the machine's. The queue always uses the machine's clock for
	// the delays of hints.
	Now func() time.Time
}

// DefaultListen and DefaultData are the defaults of Config.
const (
	DefaultListen = "127.0.0.1:8642"
	DefaultData   = "./.millrace"
)

// Settings is the configuration file (docs/configuration.md).
type Settings struct {
	Region  string           // name of the region; local
	Account string           // account of an open server
	Limits  map[string]int64 // CloudFlow's limits, which may be raised: see LimitNames
	// FlowV1: a mapping source that selects nothing fails the step.
	StrictPaths    bool
	Rates          map[string]RateSpec // requests by operation, "*": all others; default none
	CloudFlowRates bool                // CloudFlow's own request rates; Rates overrides them
	RetentionDays  int64               // how long ended executions are kept; 90
	LeaseSeconds   int64               // lease of a call, before it must be renewed; 600
	CallsPerRun    int                 // concurrent calls of one execution; 128
	SweepSeconds   int64               // interval of the sweeper; 60
	CheckNonces    bool                // reject a repeated signature nonce for every operation
	Hosts          []string            // further host names of the server, for V3 signatures
	AllowLoopback  *bool               // flows may call this machine; true for an open server
	// Flows may call private networks; true for an open server.
	AllowPrivate *bool
	// If not empty, the only hosts and networks that flows may call.
	Allow             []string
	FreeMegabytes     int64 // writes are rejected below this free disk space; 256
	MemtableMegabytes int64 // write buffer of the store; 32
	// Max memory for requests and responses in flight. Default: what the process may use.
	MemoryMegabytes int64
	Metrics         string // address of the metrics, host:port; default none
	Shares          Shares // capacity of what the accounts share
	AccessLog       bool   // one log line per request
	// Address that carries out every task instead of functions and services, for rehearsals.
	Tasks string
}

// RateSpec is a token bucket: Bucket requests at once, refilled at PerSecond.
type RateSpec struct {
	Bucket    float64
	PerSecond float64
}

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

// LoadSettings reads a configuration file, YAML or JSON. Errors say what to do.
func LoadSettings(path string) (Settings, error) {
	var s Settings
	if path == "" {
		return s, nil
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return s, fmt.Errorf("configuration: %w", err)
	}
	return parseSettings(path, text)
}

// parseSettings parses the text of a configuration file.
func parseSettings(name string, text []byte) (Settings, error) {
	var s Settings
	root, err := readYAML(text, &s)
	if err == nil && root != nil {
		err = s.check(root)
	}
	if err != nil {
		return s, fmt.Errorf("configuration %s%w; docs/configuration.md lists the settings", name,
			err)
	}
	return s, nil
}

// check rejects implausible settings. An error begins with the place in the text, like the errors
// of readYAML.
func (s *Settings) check(root *source.Node) error {
	for i := range root.Fields {
		f := &root.Fields[i]
		if err := s.checkSetting(f); err != nil {
			return err
		}
	}
	return nil
}

func (s *Settings) checkSetting(f *source.Field) error {
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
			if n < 0 || n > connectionsMax {
				return errorAt(f.Value, "Shares must be above 0, and at most %d", connectionsMax)
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
func bounded(f *source.Field, n, limit int64) error {
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

func (s *Settings) checkRate(f *source.Field) error {
	if f.Key != "*" && !rpc.IsOperation(f.Key) {
		return fmt.Errorf(":%d:%d: Rates: there is no operation %s; \"*\" stands for all others",
			f.Line, f.Column, value.Quote(f.Key))
	}
	if r := s.Rates[f.Key]; r.Bucket < 1 || r.PerSecond <= 0 {
		return errorAt(f.Value, "Rates: %s needs a Bucket of at least 1 and a PerSecond above 0",
			f.Key)
	}
	return nil
}

// limits returns CloudFlow's limits with the changes of the settings.
func (s *Settings) limits() (flow.Limits, error) {
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

func (s *Settings) rates() map[string]rpc.Rate {
	rates := map[string]rpc.Rate{}
	if s.CloudFlowRates {
		rates = rpc.DefaultRates()
	}
	for op, r := range s.Rates {
		rates[op] = rpc.Rate{Bucket: r.Bucket, PerSecond: r.PerSecond}
	}
	if len(rates) == 0 {
		return nil
	}
	return rates
}

func seconds(n, def int64) time.Duration {
	if n == 0 {
		n = def
	}
	return time.Duration(n) * time.Second
}
