package main

import (
	"bufio"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
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
	const path = "/queues/b/messages"
	r, err := http.NewRequest("POST", endpoint+path,
		strings.NewReader("<Message><MessageBody>x</MessageBody></Message>"))
	if err != nil {
		t.Fatal(err)
	}
	r.Header.Set("Date", time.Now().UTC().Format(http.TimeFormat))
	r.Header.Set("x-mns-version", "2015-06-06")
	r.Header.Set("security-token", "t")
	r.Header.Set("Authorization", "MNS k:"+mns.Sign("s", "POST", path, r.Header))
	response, err := http.DefaultClient.Do(r)
	if err != nil {
		t.Fatal(err)
	}
	if response.Body.Close(); response.StatusCode != http.StatusCreated {
		t.Error(response.Status)
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
