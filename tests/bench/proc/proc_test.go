package proc_test

import (
	"net/http"
	"os"
	"os/signal"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"

	"millrace/tests/bench/proc"
	"millrace/tests/support/port"
)

// child names the variable that makes the test binary act as the started program.
const child = "MILLRACE_PROC_CHILD"

func TestMain(m *testing.M) {
	switch role, _, _ := strings.Cut(os.Getenv(child), " "); role {
	case "":
		os.Exit(m.Run())
	case "fail":
		os.Stderr.WriteString("no luck today\n")
		os.Exit(3)
	default:
		serve(role)
	}
}

func serve(address string) {
	stop := make(chan os.Signal, 1)
	signal.Notify(stop, syscall.SIGTERM)
	go http.ListenAndServe(address, http.HandlerFunc(func(http.ResponseWriter, *http.Request) {}))
	<-stop
	os.Exit(0)
}

func options(t *testing.T, role string) proc.Options {
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return proc.Options{Name: "child", Path: exe, Env: []string{child + "=" + role},
		Log: filepath.Join(t.TempDir(), "log"), Health: "http://" + role + "/healthz"}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	address, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	return address
}

func TestStartAndStop(t *testing.T) {
	o := options(t, freeAddress(t))
	p, err := proc.Start(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	if u, err := p.Usage(); runtime.GOOS == "linux" &&
		(err != nil || u.Resident == 0 || u.Peak < u.Resident) {
		t.Errorf("%+v %v", u, err)
	}
	if err := p.Stop(); err != nil {
		t.Error(err)
	}
	if err := p.Stop(); err == nil {
		t.Error("a process that had ended was stopped")
	}
	if p, err = proc.Start(t.Context(), o); err != nil {
		t.Fatal(err)
	}
	p.Kill()
	p.Kill()
	if _, err := p.Usage(); err == nil {
		t.Error("a killed process was measured")
	}
}

func TestStartFails(t *testing.T) {
	_, err := proc.Start(t.Context(), options(t, "fail"))
	if err == nil || !strings.Contains(err.Error(), "no luck today") {
		t.Errorf("%v", err)
	}
	o := options(t, "fail")
	o.Path = filepath.Join(t.TempDir(), "absent")
	if _, err := proc.Start(t.Context(), o); err == nil {
		t.Error("an absent program was started")
	}
}
