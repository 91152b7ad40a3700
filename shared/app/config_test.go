package app_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/app"
)

func TestLoadSettings(t *testing.T) {
	for _, c := range []struct{ text, want string }{
		{"", ""},
		{"Region: cn-hangzhou\nLimits: {Events: 100000}\nRates: {StartExecution: {Bucket: 1, PerSecond: 2}}\n", ""},
		{`{"RetentionDays": 30}`, ""},
		{"RetentionDays: 6\n", "at least 7"},
		{"SweepSeconds: 600\n", "SweepSeconds must be from 1 to 120"},
		{"Limits: {Evnts: 5}\n", `no limit "Evnts"`},
		{"Limits: {Events: 0}\n", "above 0"},
		{"Rates: {StartExecutions: {Bucket: 1, PerSecond: 1}}\n", `no operation "StartExecutions"`},
		{"Rates: {StartExecution: {Bucket: 0, PerSecond: 1}}\n", "at least 1"},
		{"Regoin: x\n", "Regoin"},
		{"Region: [\n", ":"},
		{"- 1\n", "configuration"},
	} {
		path := filepath.Join(t.TempDir(), "millrace.yaml")
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		_, err := app.LoadSettings(path)
		switch {
		case c.want == "" && err != nil:
			t.Errorf("%q: %v", c.text, err)
		case c.want != "" && (err == nil || !strings.Contains(err.Error(), c.want)):
			t.Errorf("%q: want %q, got %v", c.text, c.want, err)
		}
	}
	if _, err := app.LoadSettings(filepath.Join(t.TempDir(), "none")); err == nil {
		t.Error("a missing file was accepted")
	}
}
