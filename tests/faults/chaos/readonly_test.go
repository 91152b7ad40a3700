package chaos_test

import (
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"millrace/tests/support/live"
)

// nobody returns the credentials of a user who may not write read-only files, as root may; nil if
// the test does not run as root. It skips the test if root may not change its user, or if that user
// may not run programs in the folder for temporary files.
func nobody(t *testing.T) *syscall.Credential {
	t.Helper()
	if os.Getuid() != 0 {
		return nil
	}
	other := &syscall.Credential{Uid: 65534, Gid: 65534}
	try := exec.Command(live.Binary(t), "help")
	try.SysProcAttr = &syscall.SysProcAttr{Credential: other}
	if out, err := try.CombinedOutput(); err != nil {
		t.Skipf("nobody cannot run the server: %v %s", err, out)
	}
	return other
}

// forbid removes the write permission from everything below a directory, until the test ends.
func forbid(t *testing.T, dir string) (allow func()) {
	t.Helper()
	each := func(file, folder fs.FileMode) {
		filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
			mode := file
			if d.IsDir() {
				mode = folder
			}
			if err := os.Chmod(path, mode); err != nil {
				t.Error(err)
			}
			return nil
		})
	}
	above := filepath.Dir(dir)
	for above != os.TempDir() && len(above) > 1 {
		os.Chmod(above, 0o755) // the test's own folders are closed to other users
		above = filepath.Dir(above)
	}
	each(0o444, 0o555)
	allow = func() { each(0o666, 0o777) }
	t.Cleanup(allow)
	return allow
}

// TestReadOnly: a server that may not write its data directory does not start, and names the file.
// When it may write again, all data is there.
func TestReadOnly(t *testing.T) {
	t.Parallel()
	user := nobody(t)
	s := live.New(t, live.Options{})
	s.Start()
	s.WaitReady()
	flows(t, s.Client())
	known := acknowledged{}
	if err := known.start(s.Client(), "pass", "one", "{}"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	allow := forbid(t, s.Data)
	other := live.New(t, live.Options{Data: s.Data, User: user})
	if other.StartAndWait() {
		t.Error("it serves a directory that it may not write")
	} else if text := other.Log.String(); !strings.Contains(text, s.Data) ||
		!strings.Contains(text, "permission denied") {
		t.Errorf("it says %s", text)
	}
	allow()
	s.Start()
	s.WaitReady()
	known.check(t, s.Client())
	s.Shutdown()

	closed := filepath.Join(t.TempDir(), "closed")
	if err := os.Mkdir(closed, 0o755); err != nil {
		t.Fatal(err)
	}
	forbid(t, closed)
	fresh := live.New(t, live.Options{Data: filepath.Join(closed, "data"), User: user})
	if fresh.StartAndWait() {
		t.Error("it makes a directory where it may not")
	} else if text := fresh.Log.String(); !strings.Contains(text, closed) ||
		!strings.Contains(text, "permission denied") {
		t.Errorf("it says %s", text)
	}
}

// TestReadOnlyDisk: the file system becomes read-only under a running server, as happens when a
// disk fails.
func TestReadOnlyDisk(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 64)
	s := live.New(t, live.Options{Data: filepath.Join(dir, "data"),
		Settings: "{FreeMegabytes: 1, MemtableMegabytes: 1}"})
	s.Start()
	s.WaitReady()
	flows(t, s.Client())
	known := acknowledged{}
	if err := known.start(s.Client(), "pass", "one", "{}"); err != nil {
		t.Fatal(err)
	}
	s.Kill()
	remount(t, dir, "ro")
	if s.StartAndWait() {
		t.Error("it serves a read-only disk")
	} else if text := s.Log.String(); !strings.Contains(text, s.Data) ||
		!strings.Contains(text, "read-only") {
		t.Errorf("it says %s", text)
	}
	remount(t, dir, "rw")
	s.Start()
	s.WaitReady()
	known.check(t, s.Client())
	s.Shutdown()
}
