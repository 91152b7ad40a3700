package local_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"

	"millrace/shared/app/local"
)

// TestWarnings: a server warns at start of what makes it easy to misuse, and of nothing else.
func TestWarnings(t *testing.T) {
	const keys = "accounts: [{id: '1', keys: [{id: k, secret: dGhpcyBpcyBub3Qgd2Vhaw}]}]\n"
	const tokens = "accounts: [{id: '1', bearerTokens: [{token: " +
		"dGhpcyBpcyBub3Qgd2VhaywgZWl0aGVy}]}]\n"
	certificate, key, _ := certificate(t)
	for _, c := range []struct {
		name, listen, credentials string
		writable                  string // the file that others may write
		tls                       bool
		want                      string // "": no warning
	}{
		{"nothing", "127.0.0.1:0", keys, "", false, ""},
		{"functions", "127.0.0.1:0", keys, "functions.yaml", false, "may change this file"},
		{"configuration", "127.0.0.1:0", keys, "millrace.yaml", false, "may change this file"},
		{"credentials", "127.0.0.1:0", keys, "credentials.yaml", false,
			"may read or change this file"},
		{"tokens on loopback", "127.0.0.1:0", tokens, "", false, ""},
		{"tokens on all addresses", ":0", tokens, "", false, "without TLS"},
		{"tokens on all IPv4 addresses", "0.0.0.0:0", tokens, "", false, "without TLS"},
		{"tokens over TLS", "0.0.0.0:0", tokens, "", true, ""},
		{"keys on all addresses", "0.0.0.0:0", keys, "", false, ""},
	} {
		if c.writable != "" && runtime.GOOS == "windows" {
			continue // no file modes
		}
		dir := t.TempDir()
		for name, text := range map[string]string{
			"credentials.yaml": c.credentials,
			"functions.yaml":   "functions: []\n",
			"millrace.yaml":    "Region: r\n",
		} {
			if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		if c.writable != "" {
			if err := os.Chmod(filepath.Join(dir, c.writable), 0o666); err != nil {
				t.Fatal(err)
			}
		}
		var log strings.Builder
		config := local.Config{
			Listen:       c.listen,
			Data:         t.TempDir(),
			Credentials:  filepath.Join(dir, "credentials.yaml"),
			Functions:    filepath.Join(dir, "functions.yaml"),
			SettingsFile: filepath.Join(dir, "millrace.yaml"),
			Log: slog.New(slog.NewTextHandler(&log,
				&slog.HandlerOptions{Level: slog.LevelWarn})),
		}
		if c.tls {
			config.Certificate, config.Key = certificate, key
		}
		a, err := local.Open(context.Background(), config)
		if err != nil {
			t.Fatal(err)
		}
		if err := a.Close(); err != nil {
			t.Error(err)
		}
		got := "" // a server that closes at once logs other lines, too
		for line := range strings.Lines(log.String()) {
			if strings.Contains(line, "level=WARN") {
				got += line
			}
		}
		switch {
		case c.want == "" && got != "":
			t.Errorf("%s: %s", c.name, got)
		case c.want != "" && (!strings.Contains(got, c.want) || !strings.Contains(got, c.writable)):
			t.Errorf("%s: %q, want %q", c.name, got, c.want)
		}
	}
}
