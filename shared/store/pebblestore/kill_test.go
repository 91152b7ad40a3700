package pebblestore_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"millrace/shared/store/driver"
	"millrace/shared/store/pebblestore"
)

// childDir is the environment variable that makes the test binary the process to kill.
const childDir = "MILLRACE_LOCALSTORE_CHILD_DIR"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		writeForEver(dir)
	}
	os.Exit(m.Run())
}

// TestKill: kill -9 at any moment loses no acknowledged write.
func TestKill(t *testing.T) {
	dir := t.TempDir()
	acknowledged := map[string]int64{}
	for round := range 6 {
		runAndKill(t, dir, round, acknowledged)
		s := open(t, pebblestore.Options{Dir: dir})
		for partition, v := range acknowledged {
			row, err := s.Get(t.Context(), driver.Key{Partition: partition, Sort: "a"})
			if err != nil || row.Version < v {
				t.Fatalf("round %d: %s has version %d, %v; %d was acknowledged", round, partition,
					row.Version, err, v)
			}
			checkVersions(t, s, partition)
		}
		if err := s.Close(); err != nil {
			t.Fatalf("Close: %v", err)
		}
	}
}

// runAndKill starts a child that writes, records what the child acknowledges on its output, and
// kills it after a while.
func runAndKill(t *testing.T, dir string, round int, acknowledged map[string]int64) {
	t.Helper()
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(exe)
	cmd.Env = append(os.Environ(), childDir+"="+dir)
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	lines := bufio.NewReader(out)
	count := 0
	for {
		line, err := lines.ReadString('\n')
		if err != nil {
			break // an incomplete line does not count
		}
		partition, version, _ := strings.Cut(strings.TrimSpace(line), " ")
		v, err := strconv.ParseInt(version, 10, 64)
		if err != nil {
			t.Fatalf("the child says %q", line)
		}
		acknowledged[partition] = v
		if count++; count == 1 {
			go func() {
				time.Sleep(time.Duration(20+round*37) * time.Millisecond)
				cmd.Process.Kill()
			}()
		}
	}
	cmd.Wait()
	if count == 0 {
		t.Fatal("the child acknowledged nothing")
	}
}

// writeForEver writes to 8 partitions of its own and prints each version after it was acknowledged.
func writeForEver(dir string) {
	s, err := pebblestore.Open(context.Background(),
		pebblestore.Options{Dir: dir, MemtableBytes: 512 << 10})
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(2)
	}
	var done sync.WaitGroup
	for w := range 8 {
		done.Go(func() {
			partition := fmt.Sprintf("x#%d#%d", os.Getpid(), w)
			for v := int64(1); ; v++ {
				if err := commitVersion(
					background{}, s, driver.Key{Partition: partition, Sort: "a"}, v,
				); err != nil {
					fmt.Fprintln(os.Stderr, err)
					os.Exit(3)
				}
				os.Stdout.WriteString(fmt.Sprintf("%s %d\n", partition, v))
			}
		})
	}
	done.Wait()
}

// background is a testing.TB outside a test.
type background struct{ testing.TB }

func (background) Context() context.Context { return context.Background() }
