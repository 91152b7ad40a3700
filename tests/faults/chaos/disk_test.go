package chaos_test

import (
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	"millrace/tests/support/live"
)

// smallDisk mounts a file system of a size in megabytes. It skips the test if this user may not
// mount one.
func smallDisk(t *testing.T, megabytes int) string {
	t.Helper()
	dir := t.TempDir()
	if out, err := exec.Command("mount", "-t", "tmpfs", "-o", fmt.Sprintf("size=%dm", megabytes),
		"millrace-test", dir).CombinedOutput(); err != nil {
		t.Skipf("it takes root to mount a small disk: %v %s", err, out)
	}
	t.Cleanup(func() {
		if out, err := exec.Command("umount", "-l", dir).CombinedOutput(); err != nil {
			t.Errorf("umount %s: %v %s", dir, err, out)
		}
	})
	return dir
}

// remount makes a small disk read-only (how is "ro") or writable ("rw").
func remount(t *testing.T, dir, how string) {
	t.Helper()
	if out, err := exec.Command("mount", "-o", "remount,"+how, dir).CombinedOutput(); err != nil {
		t.Fatalf("remount: %v %s", err, out)
	}
}

// fillDisk fills a disk except for leave bytes.
func fillDisk(t *testing.T, dir string, leave int) (free func()) {
	t.Helper()
	path := filepath.Join(dir, "filler")
	f, err := os.Create(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	n, piece := int64(0), make([]byte, 64<<10)
	for err == nil {
		var k int
		k, err = f.Write(piece)
		n += int64(k)
	}
	if err := f.Truncate(max(0, n-int64(leave))); err != nil {
		t.Fatal(err)
	}
	return func() {
		if err := os.Remove(path); err != nil {
			t.Error(err)
		}
	}
}

// isDiskFull reports whether an error is the one of a full disk.
func isDiskFull(err error) bool {
	var r *client.ErrorResponse
	return fault.CodeOf(err) == fault.ServiceUnavailable && errors.As(err, &r) &&
		r.HTTPStatus == http.StatusServiceUnavailable && strings.Contains(err.Error(), "disk")
}

// loadUntilFull starts executions from many clients at once until enough starts have been rejected,
// and returns the errors.
func loadUntilFull(s *live.Server, known acknowledged, round string, enough int) []error {
	var mu sync.Mutex
	var refused []error
	var all sync.WaitGroup
	for w := range 8 {
		all.Go(func() {
			mine := acknowledged{}
			c := s.Client()
			for i := range 4000 {
				err := mine.start(c, "pass", fmt.Sprintf("%s-%d-%d", round, w, i),
					fmt.Sprintf(`{"text":%q}`, strings.Repeat("x", 20_000)))
				mu.Lock()
				if err != nil {
					refused = append(refused, err)
				}
				over := len(refused) >= enough
				mu.Unlock()
				if over {
					break
				}
			}
			mu.Lock()
			for x, input := range mine {
				known[x] = input
			}
			mu.Unlock()
		})
	}
	all.Wait()
	return refused
}

// TestDiskFull fills the disk under load. Rejections name the disk as the reason, reads go on, and
// writes go on when there is space again; also if the server was killed in between.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 64)
	s := live.New(t, live.Options{Data: filepath.Join(dir, "data"),
		Settings: "{FreeMegabytes: 16, MemtableMegabytes: 4, SweepSeconds: 1}"})
	s.Start()
	s.WaitReady()
	c := s.Client()
	flows(t, c)
	known := acknowledged{}
	rounds := 1
	if d, yes := long(t); yes {
		rounds = int(d/(5*time.Second)) + 1
	}
	for round := range rounds {
		free := fillDisk(t, dir, 20<<20)
		refused := loadUntilFull(s, known, fmt.Sprint("r", round), 200)
		for i, err := range refused {
			if !isDiskFull(err) {
				t.Errorf("refused: %v", err)
				if i > 5 {
					break
				}
			}
		}
		if len(refused) == 0 {
			t.Fatal("the disk does not get full")
		}
		known.present(t, c) // reads go on
		if round%2 == 0 {
			s.Kill()
			s.Start()
			s.WaitReady() // the server starts on a full disk too
			known.present(t, c)
		}
		free()
		deadline := time.Now().Add(2 * time.Minute)
		for {
			if err := known.start(c, "pass", fmt.Sprint("after", round), "{}"); err == nil {
				break
			} else if !isDiskFull(err) || time.Now().After(deadline) {
				t.Fatalf("with room again: %v", err)
			}
			time.Sleep(50 * time.Millisecond)
		}
		known.check(t, c)
		t.Logf("round %d: %d refused, %d known", round, len(refused), len(known))
		s.Shutdown() // the server also ends without an error
		s.Start()
		s.WaitReady()
	}
	s.Shutdown()
}

// TestDiskFullWithoutFloor: the log itself cannot be written. The server ends and prints the
// reason. When it is started again, everything that it had acknowledged is there.
func TestDiskFullWithoutFloor(t *testing.T) {
	t.Parallel()
	dir := smallDisk(t, 48)
	s := live.New(t, live.Options{Data: filepath.Join(dir, "data"),
		Settings: "{FreeMegabytes: -1, MemtableMegabytes: 1, SweepSeconds: 1}"})
	s.Start()
	s.WaitReady()
	flows(t, s.Client())
	known := acknowledged{}
	free := fillDisk(t, dir, 8<<20)
	refused := loadUntilFull(s, known, "x", 50)
	told, failed := 0, 0
	for _, err := range refused {
		switch {
		case isDiskFull(err):
			told++
		case fault.CodeOf(err) == fault.InternalServerError:
			// the server ends: there is no response, or it does not know what is on the disk
			failed++
		default:
			t.Errorf("refused: %v", err)
		}
	}
	t.Logf("%d known, %d refused, %d of them for the disk", len(known), len(refused), told)
	if failed == 0 && s.Alive() {
		known.present(t, s.Client())
		s.Kill()
	} else if err := s.WaitExit(time.Minute); err == nil {
		t.Error("it ends as if all were well")
	} else if text := s.Log.String(); !strings.Contains(text, "no space left") ||
		!strings.Contains(text, "start again") {
		t.Errorf("it ends and says %s", text)
	}
	s.Start() // on a full disk it may or may not be able to open the store
	time.Sleep(300 * time.Millisecond)
	s.Kill()
	free()
	s.Start()
	s.WaitReady()
	known.check(t, s.Client())
	s.Shutdown()
}
