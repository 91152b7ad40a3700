package functiontask_test

import (
	"bufio"
	"context"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
	"testing"
	"time"

	"millrace/shared/task"
	"millrace/shared/task/functiontask"
)

func TestCloseEndsTheWholeFamily(t *testing.T) {
	out := newLogOutput()
	r := functiontask.New(functiontask.Options{
		Functions: []functiontask.Function{child("family")}, Log: out.log,
	})
	done := make(chan task.Result)
	go func() { done <- r.Run(context.Background(), request(`{}`)) }()
	var grandchild int
	line := out.wait(t, "pid ")
	fmt.Sscanf(line[strings.Index(line, "pid "):], "pid %d", &grandchild)
	if err := r.Close(context.Background()); err != nil {
		t.Error(err)
	}
	if got := <-done; got.Error == nil {
		t.Errorf("%v", got)
	}
	waitGone(t, grandchild)
}

// waitGone fails the test if the process does not end.
func waitGone(t *testing.T, pid int) {
	t.Helper()
	if pid <= 0 {
		t.Fatalf("no process id")
	}
	for range 6000 {
		if gone(pid) {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Errorf("process %d is still there", pid)
}

// gone reports whether a process has ended, even if its parent has not waited for it yet.
func gone(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	return err != nil && syscall.Kill(pid, 0) != nil || strings.Contains(string(stat), ") Z ")
}

// TestProcessesDieWithTheServer kills the server that started a function, and waits until the
// function's process has ended.
func TestProcessesDieWithTheServer(t *testing.T) {
	server := exec.Command(os.Args[0])
	server.Env = append(os.Environ(), "CHILD=server")
	stdout, err := server.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	line, err := bufio.NewReader(stdout).ReadString('\n')
	if err != nil {
		t.Fatal(err)
	}
	var pid int
	fmt.Sscanf(line, "%d", &pid)
	server.Process.Kill()
	server.Wait()
	waitGone(t, pid)
}
