//go:build unix

package auth_test

import (
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/rpc/auth"
)

// TestFilesOfOthers checks the warning about a file that other users may write, or replace through
// a folder on its path, or, if it is secret, read. A group with the owner's number counts as the
// owner.
func TestFilesOfOthers(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can give files away")
	}
	for _, c := range []struct {
		file, folder os.FileMode
		owner, group int
		secret       bool
		want         string // "": no warning
	}{
		{0o600, 0o700, 7, 8, false, ""}, {0o644, 0o755, 7, 8, false, ""},
		{0o640, 0o755, 7, 8, true, ""},
		{0o644, 0o755, 7, 8, true, "may read or change this file; chmod 600 it"},
		{0o666, 0o755, 7, 8, false, "may change this file; chmod go-w it"},
		{0o664, 0o755, 7, 8, false, "may change this file"}, {0o664, 0o775, 7, 7, false, ""},
		{0o660, 0o755, 7, 8, true, "may read or change"},
		{0o602, 0o755, 7, 8, true, "may read or change"},
		{0o600, 0o777, 7, 8, false, "may replace this file"},
		{0o600, 0o775, 7, 8, false, "may replace this file"},
		{0o600, 0o777 | os.ModeSticky, 7, 8, false, ""},
		{0o600, 0o777 | os.ModeSticky, 7, 8, true, ""},
	} {
		folder := filepath.Join(t.TempDir(), "open")
		path := filepath.Join(folder, "below", "file")
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, folder} {
			if err := os.Chown(p, c.owner, c.group); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(path, c.file); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(folder, c.folder); err != nil {
			t.Fatal(err)
		}
		link := filepath.Join(t.TempDir(), "link")
		if err := os.Symlink(path, link); err != nil {
			t.Fatal(err)
		}
		for _, p := range []string{path, link} {
			var log strings.Builder
			auth.WarnOfFile(slog.New(slog.NewTextHandler(&log, nil)), p, c.secret)
			switch got := log.String(); {
			case c.want == "" && got != "":
				t.Errorf("%+v: %s", c, got)
			case c.want != "" && (!strings.Contains(got, c.want) || !strings.Contains(got, p)):
				t.Errorf("%+v: %q, want %q", c, got, c.want)
			}
		}
	}
}
