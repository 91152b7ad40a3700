package main

import (
	"bufio"
	"context"
	"io"
	"strings"
	"testing"

	sdk "github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

// TestRun: the command serves the official SDK and ends with its context.
func TestRun(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan error, 1)
	go func() {
		ended <- run(ctx, []string{"-listen", "127.0.0.1:0", "-instance", "mine", "-key", "k",
			"-secret", "s", "-token", "t"}, in, io.Discard)
	}()
	lines := bufio.NewScanner(out)
	if !lines.Scan() {
		t.Fatal("it does not say that it is ready")
	}
	endpoint, ok := strings.CutPrefix(lines.Text(), "ready ")
	if !ok {
		t.Fatalf("it says %q", lines.Text())
	}
	list, err := sdk.NewClientWithConfig(endpoint, "mine", "k", "s", "t", nil).ListTable()
	if err != nil || len(list.TableNames) != 0 {
		t.Errorf("ListTable: %v, %v", list, err)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("it ends with %v", err)
	}
}

func TestBadArguments(t *testing.T) {
	for _, args := range [][]string{{"-nonsense"}, {"more"}, {"-listen", "nowhere:x"},
		{"-lag", "much"}} {
		if err := run(t.Context(), args, io.Discard, io.Discard); err == nil {
			t.Errorf("%q is taken", args)
		}
	}
}
