package port_test

import (
	"net"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"testing"

	"millrace/tests/support/port"
)

// TestMain: with PORT_TAKE set, the program takes ports until its input ends.
func TestMain(m *testing.M) {
	if os.Getenv("PORT_TAKE") == "" {
		os.Exit(m.Run())
	}
	for range 2000 {
		address, err := port.Loopback()
		if err != nil {
			panic(err)
		}
		os.Stdout.WriteString(address + "\n")
	}
	os.Stdout.WriteString("done\n")
	os.Stdin.Read(make([]byte, 1))
}

func TestNobodyElseTakesIt(t *testing.T) {
	seen := map[string]bool{}
	for range 3 {
		taker := exec.Command(os.Args[0])
		taker.Env = append(os.Environ(), "PORT_TAKE=yes")
		in, err := taker.StdinPipe()
		if err != nil {
			t.Fatal(err)
		}
		out, err := taker.StdoutPipe()
		if err != nil {
			t.Fatal(err)
		}
		if err := taker.Start(); err != nil {
			t.Fatal(err)
		}
		defer taker.Wait()
		defer in.Close()
		var text strings.Builder
		for piece := make([]byte, 4096); !strings.HasSuffix(text.String(), "done\n"); {
			n, err := out.Read(piece)
			text.Write(piece[:n])
			if err != nil {
				t.Fatalf("%v: %s", err, text.String())
			}
		}
		for _, address := range strings.Fields(strings.TrimSuffix(text.String(), "done\n")) {
			if seen[address] {
				t.Errorf("%s was given twice", address)
			}
			seen[address] = true
		}
	}
	if len(seen) != 6000 {
		t.Errorf("%d addresses", len(seen))
	}
}

func TestItCanBeListenedOn(t *testing.T) {
	address, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	runtime.GC()
	l, err := net.Listen("tcp", address)
	if err != nil {
		t.Fatal(err)
	}
	l.Close()
}
