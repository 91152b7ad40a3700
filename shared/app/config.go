// Package app joins the parts: it reads the configuration, opens store, queue, runner and API, and serves.
// It is the only package that knows them all.
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

// Config is how a local server is set up. Zero values mean the defaults.
type Config struct {
	Listen      string // host:port; 127.0.0.1:8642
	Data        string // directory of the store; ./.millrace
	Credentials string // credentials file; "" opens the server, on loopback only
	Functions   string // functions file; "" for none
	Certificate string // PEM files of a certificate (with its chain) and its key: the server speaks TLS; "" for plain HTTP
	Key         string
	Settings    Settings
	// SettingsFile is the file that Settings are from, "" for none; others who may write it are
	// warned of.
	SettingsFile string
	Log          *slog.Logger
	Ready        func(address string) // called once the server listens; may be nil

	// For embedding and tests.
	Tasks task.Runner      // carries out every action, instead of the usual ones; nil: the usual ones
	Now   func() time.Time // the clock of executions; nil: the machine's. Delays of hints go by the machine's.
}

// DefaultListen and DefaultData are the defaults of Config.
const (
	DefaultListen = "127.0.0.1:8642"
	DefaultData   = "./.millrace"
)

// Settings is the configuration file (docs/configuration.md).
type Settings struct {
	Region            string              // name of the region; local
	Account           string              // account of an open server
	Limits            map[string]int64    // CloudFlow's limits, each of which may be raised: see limitNames
	StrictPaths       bool                // older language: a mapping source that selects nothing fails the step
	Rates             map[string]RateSpec // requests by operation, "*" for the others; none by default
	CloudFlowRates    bool                // CloudFlow's own request rates, before Rates
	RetentionDays     int64               // how long ended executions are kept; 90
	LeaseSeconds      int64               // how long a call is leased before it must be renewed; 600
	CallsPerRun       int                 // calls of one execution at once; 128
	SweepSeconds      int64               // how often what is due is looked for; 60
	CheckNonces       bool                // refuse a repeated signature nonce for every operation
	Hosts             []string            // further names under which the server is reached, for V3 signatures
	AllowLoopback     *bool               // flows may call this machine; true for an open server
	AllowPrivate      *bool               // flows may call private networks; true for an open server
	Allow             []string            // when not empty, flows may call only these hosts or networks
	FreeMegabytes     int64               // free disk space below which writes are refused; 256
	MemtableMegabytes int64               // write buffer of the store; 32
	MemoryMegabytes   int64               // memory that requests and answers in flight are bounded by; what the process may use
	Metrics           string              // address on which metrics are served, host:port; none by default
	Shares            Shares              // how much there is of what the accounts share
	AccessLog         bool                // one log line a request
	Tasks             string              // address that carries out every task instead of functions and services, for rehearsals
}

// RateSpec is a token bucket: so many requests at once, refilled at so many a second.
type RateSpec struct {
	Bucket    float64
	PerSecond float64
}

// retentionMin is the shortest retention, days: redelivered events must still meet their execution. retentionMax stands for
// ever; what is longer, as a time.Duration, would not fit and be over before it began.
const (
	retentionMin = 7
	retentionMax = 36_500
)

// sweepMax is the longest pause between two sweeps, seconds: a sweep sends hints for what is due two minutes ahead.
const sweepMax = 120

// leaseMax, freeMax and memtableMax are the largest values that can be meant: a day, a pebibyte, and what the store takes.
const (
	leaseMax    = int64(engine.ExclusiveLeaseMax / time.Second)
	freeMax     = 1 << 30
	memtableMax = 2_048
	memoryMax   = 1 << 30
)

// secondsMax and limitMax are the largest limits: a hundred years, and what definitions are read with again.
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

// parseSettings reads the text of a configuration file.
func parseSettings(name string, text []byte) (Settings, error) {
	var s Settings
	root, err := readYAML(text, &s)
	if err == nil && root != nil {
		err = s.check(root)
	}
	if err != nil {
		return s, fmt.Errorf("configuration %s%w; docs/configuration.md lists the settings", name, err)
	}
	return s, nil
}

// check refuses settings that cannot be meant. An error begins with the place in the text, as readYAML's.
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
		if u, err := url.Parse(s.Tasks); s.Tasks != "" && (err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Host == "") {
			return errorAt(f.Value, "Tasks must be an address that begins with http:// or https://")
		}
	case "retentiondays":
		if s.RetentionDays != 0 && (s.RetentionDays < retentionMin || s.RetentionDays > retentionMax) {
			return errorAt(f.Value, "RetentionDays must be at least %d, and at most %d", retentionMin, retentionMax)
		}
	case "sweepseconds":
		if s.SweepSeconds < 0 || s.SweepSeconds > sweepMax {
			return errorAt(f.Value, "SweepSeconds must be from 1 to %d: waits are only as precise as the sweep", sweepMax)
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
			return errorAt(f.Value, "FreeMegabytes must be at most %d; below 0 there is no floor", freeMax)
		}
	case "metrics":
		if _, _, err := net.SplitHostPort(s.Metrics); s.Metrics != "" && err != nil {
			return errorAt(f.Value, "Metrics must be an address like 127.0.0.1:9464")
		}
	case "shares":
		for _, n := range []int64{s.Shares.Requests, s.Shares.Polls, s.Shares.Express, s.Shares.Calls} {
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

// bounded refuses what is below 0, which stands for the default, and what is above most.
func bounded(f *source.Field, n, most int64) error {
	if n < 0 || n > most {
		return errorAt(f.Value, "%s must be above 0, and at most %d", f.Key, most)
	}
	return nil
}

// isName tells whether a text can stand in a resource name; none stands for the default.
func isName(s string) bool {
	return len(s) <= 64 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == ""
}

func (s *Settings) checkRate(f *source.Field) error {
	if f.Key != "*" && !rpc.IsOperation(f.Key) {
		return fmt.Errorf(":%d:%d: Rates: there is no operation %s; \"*\" stands for all others", f.Line, f.Column, value.Quote(f.Key))
	}
	if r := s.Rates[f.Key]; r.Bucket < 1 || r.PerSecond <= 0 {
		return errorAt(f.Value, "Rates: %s needs a Bucket of at least 1 and a PerSecond above 0", f.Key)
	}
	return nil
}

// limits are CloudFlow's, with what the settings change.
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
		return fmt.Errorf("there is no limit %s; the limits are %s", value.Quote(name), strings.Join(names, ", "))
	}
	most := int64(limitMax)
	if strings.Contains(name, "Seconds") {
		most = secondsMax
	}
	if n <= 0 || n > most {
		return fmt.Errorf("limit %s must be above 0, and at most %d", name, most)
	}
	return nil
}

// LimitNames are the names of the limits that a configuration may change.
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

func seconds(n, otherwise int64) time.Duration {
	if n == 0 {
		n = otherwise
	}
	return time.Duration(n) * time.Second
}
