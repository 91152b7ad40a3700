package main

import (
	"bufio"
	"io"
	"strings"
	"testing"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/mns"
)

// TestRun: the command serves the queues of its flags, and ends with its standard input.
func TestRun(t *testing.T) {
	stdin, end := io.Pipe()
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(t.Context(), []string{"-address", "127.0.0.1:0", "-id", "k", "-secret", "s",
			"-token", "t", "-queues", "a,b", "-stdin"}, stdin, in, io.Discard)
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it does not say that it is ready")
	}
	endpoint, ok := strings.CutPrefix(lines.Text(), "ready ")
	if !ok {
		t.Fatalf("it says %q", lines.Text())
	}
	c := &mns.Client{
		Endpoint: endpoint,
		Credentials: alibaba.Static(alibaba.Credentials{
			AccessKeyID:     "k",
			AccessKeySecret: "s",
			SecurityToken:   "t",
		}),
	}
	if _, err := c.SendOne(t.Context(), "b", mns.OutgoingMessage{Body: "x"}, 0); err != nil {
		t.Error(err)
	}
	end.Close()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"more"}, {"-address", "nowhere:x"},
		{"-latency", "much"}} {
		err := run(t.Context(), args, strings.NewReader(""), io.Discard, io.Discard)
		if err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
