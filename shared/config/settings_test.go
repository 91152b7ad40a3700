package config_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/config"
)

func TestLoad(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"Region: cn-hangzhou\nLimits: {Events: 100000}\nRates: {StartExecution: {Bucket: 1, " +
			"PerSecond: 2}}\n", ""},
		{`{"RetentionDays": 30}`, ""},
		{"RetentionDays: 6\n", "at least 7"},
		{"RetentionDays: 36500\n", ""},
		{"RetentionDays: 200000\n", "millrace.yaml:1:16: RetentionDays must be at least 7, " +
			"and at most 36500"},
		{"LeaseSeconds: 10000000000\n", "LeaseSeconds must be above 0, and at most 86400"},
		{"FreeMegabytes: 99999999999999\n", "FreeMegabytes must be at most"},
		{"FreeMegabytes: -1\nMemtableMegabytes: 64\n", ""},
		{"MemoryMegabytes: 512\n", ""},
		{"MemoryMegabytes: 99999999999999\n", "MemoryMegabytes must be above 0, and at most"},
		{"WakeShards: 64\n", ""},
		{"WakeShards: 1025\n", "WakeShards must be above 0, and at most 1024"},
		{"ListShards: 64\n", ""},
		{"ListShards: 65\n", "ListShards must be above 0, and at most 64"},
		{"Metrics: 127.0.0.1:9464\n", ""},
		{"Metrics: '9464'\n", "Metrics must be an address"},
		{"Shares: {Polls: 99999999}\n", "Shares must be above 0"},
		{"MemtableMegabytes: 5000\n", "MemtableMegabytes must be above 0, and at most 2048"},
		{"Limits: {ExecutionSeconds: 3153600000, Events: 1099511627776}\n", ""},
		{"Limits: {ExecutionSeconds: 9999999999}\n",
			"limit ExecutionSeconds must be above 0, and at most 3153600000"},
		{"Limits: {WaitSecondsV1: 9999999999}\n", "at most 3153600000"},
		{"Limits: {Events: 1099511627777}\n", "at most 1099511627776"},
		{"Region: a b\n", "millrace.yaml:1:9: Region must be"},
		{"Account: 'a:b'\n", "Account must be"},
		{"Tasks: http://127.0.0.1:9009\nRegion: eu_1\nAccount: 'a-1'\n", ""},
		{"Tasks: 127.0.0.1:9009\n", "millrace.yaml:1:8: Tasks must be an address"},
		{"Tasks: localhost\n", "Tasks must be an address"},
		{"SweepSeconds: 600\n", "SweepSeconds must be from 1 to 120"},
		{"CatchUpSeconds: 60\n", "CatchUpSeconds must be at least 300, and at most 2678400"},
		{"CatchUpSeconds: 2678401\n", "CatchUpSeconds must be at least 300, and at most 2678400"},
		{"Limits: {Evnts: 5}\n", `no limit "Evnts"`},
		{"Limits: {Events: 0}\n", "above 0"},
		{"Rates: {StartExecutions: {Bucket: 1, PerSecond: 1}}\n", `no operation "StartExecutions"`},
		{"Rates: {StartExecution: {Bucket: 0, PerSecond: 1}}\n", "at least 1"},
		{"Regoin: x\n", "Regoin"},
		{"Region: [\n", ":"},
		{"- 1\n", "millrace.yaml:1:1: the text must be a mapping, not a list; " +
			"docs/configuration.md"},
		{"Limits:\n  Events: 1e4\n", ""},
		{"AllowLoopback: false\nAllow: [a, b]\nregion: x\nHosts: ~\n", ""},
		{"Limits:\n  Executions: 5\n  Events: 1.5\n",
			"millrace.yaml:3:11: Limits.Events must be a whole number, not 1.5"},
		{"Limits:\n  Executions: 5\n  Events: -1\n",
			"millrace.yaml:3:11: limit Events must be above 0"},
		{"Region: x\nLimits: {Events: 1e30}\n",
			"millrace.yaml:2:18: Limits.Events must be a whole number, not 1e30"},
		{"Region: x\n\nFoo: 1\n", `millrace.yaml:3:1: there is no "Foo"; known here: Region, ` +
			`Account,`},
		{"Region: x\nRetentionDay: 8\n", `millrace.yaml:2:1: there is no "RetentionDay"; did you ` +
			`mean 'RetentionDays'?`},
		{"Rates:\n  ListFlows: {Bucket: 1, PerSec: 2}\n",
			`millrace.yaml:2:26: there is no "Rates.ListFlows.PerSec"; did you mean 'PerSecond'?`},
		{"Rates: {ListFlows: {Bucket: a, PerSecond: 2}}\n",
			`millrace.yaml:1:29: Rates.ListFlows.Bucket must be a number, not the text "a"`},
		{"Account: 1234567890123456\n", "millrace.yaml:1:10: Account must be a text, not a " +
			"number; put it in quotes"},
		{"Region: x\nAllowLoopback: 1\n", "millrace.yaml:2:16: AllowLoopback must be true or " +
			"false, not 1"},
		{"Allow: a\n", "millrace.yaml:1:8: Allow must be a list, not a string"},
		{"Allow: [a, []]\n", "millrace.yaml:1:12: Allow[1] must be a text, not a list"},
		{"CallsPerRun: -1\n", "millrace.yaml:1:14: CallsPerRun must be above 0"},
		{"%YAML 1.2\n---\nRegion: x\n", ""},
		{"Region: x # y\u2028Account: 'a:b'\n", ""},
		{"Region: x # y\rAccount: z\n", "millrace.yaml:1:14: a carriage return"},
		{"Region: x # \u202e\n", "millrace.yaml:1:13: U+202E"},
		{"Region: x\nregion: y\n", "millrace.yaml:2:1: Region stands twice"},
		{"Limits: {Events: 1, events: 2}\n", `millrace.yaml:1:29: there is no limit "events"`},
		{"# nothing\n", ""},
		{"Regoin: x\nSweepSeconds: 600\nLimits: {Events: a}\n",
			"millrace.yaml:2:15: SweepSeconds must be from 1 to 120: waits are only as precise " +
				"as the sweep\n"},
	} {
		path := filepath.Join(t.TempDir(), "millrace.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := config.Load(path)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: want %q, got %v", c.text, c.want, err)
		}
	}
	if _, err := config.Load(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was accepted")
	}
}

func FuzzSettings(f *testing.F) {
	f.Add("Region: a\nLimits: {Events: 1e4}\nRates: {'*': {Bucket: 1, PerSecond: .5}}\nAllow: " +
		"[a]\nAllowPrivate: no\n")
	f.Add(`{"Hosts": [1, {}], "Limits": [], "rates": {"a": 1}, "RetentionDays": 1e99}`)
	path := filepath.Join(f.TempDir(), "millrace.yaml")
	f.Fuzz(func(t *testing.T, text string) {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := config.Load(path); err != nil &&
			(!strings.Contains(err.Error(), "millrace.yaml:") ||
				strings.Contains(err.Error(), "json: ")) {
			t.Errorf("%q: %v", text, err)
		}
	})
}
