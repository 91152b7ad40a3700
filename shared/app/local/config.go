package local

import (
	"log/slog"
	"time"

	"millrace/shared/config"
	"millrace/shared/task"
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
	Settings    config.Settings
	// SettingsFile is the file that Settings come from; "": none. Open warns if other users may
	// write it.
	SettingsFile string
	Log          *slog.Logger
	Ready        func(address string) // called when the server listens; may be nil
	// Stopping is called when the server begins to stop, with what it waits for; may be nil.
	Stopping func(w Waiting)

	// For embedding and tests.
	Tasks task.Runner // carries out every action; nil: the usual runners
	// The clock of executions; nil: the machine's. The queue always uses the machine's clock for
	// the delays of hints.
	Now func() time.Time
}

// Waiting is what a server that stops waits for.
type Waiting struct {
	Requests, Calls int64         // in flight
	Longest         time.Duration // after which the calls are cut
}

// DefaultListen and DefaultData are the defaults of Config.
const (
	DefaultListen = "127.0.0.1:8642"
	DefaultData   = "./.millrace"
)
