// Command mns runs the MNS emulator alone, for clients of any language. It prints `ready http://…`
// when it is ready, and stores nothing. A signal ends it or, given -stdin, the end of its standard
// input.
//
//	go -C tests/clouds/emulators run ./alibaba/mns/cmd/mns -address 127.0.0.1:8088 -queues hints \
//		-duplicate 0.05 -reorder 0.2
package main

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdin, os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "mns:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, in io.Reader, out, diag io.Writer) error {
	flags := flag.NewFlagSet("mns", flag.ContinueOnError)
	flags.SetOutput(diag)
	address := flags.String("address", "127.0.0.1:0", "where to listen; port 0: any")
	account := flags.String("account", mns.AccountID, "ID of the account that owns the queues")
	id := flags.String("id", mns.AccessKeyID, "access key ID")
	secret := flags.String("secret", mns.AccessKeySecret, "access key secret")
	token := flags.String("token", "", "security token that requests must carry")
	queues := flags.String("queues", "", "names of queues to create, with commas between")
	stdin := flags.Bool("stdin", false, "end when the standard input does")
	var faults mns.Faults
	flags.Uint64Var(&faults.Seed, "seed", 0, "of the faults")
	flags.Float64Var(&faults.Duplicate, "duplicate", 0,
		"probability that a received message can be received again at once")
	flags.Float64Var(&faults.Reorder, "reorder", 0, "probability that a receive takes any message")
	flags.Float64Var(&faults.Lose, "lose", 0,
		"probability that a message is accepted and forgotten")
	flags.Float64Var(&faults.Refuse, "refuse", 0, "probability of InternalError")
	flags.Float64Var(&faults.Throttle, "throttle", 0, "probability of QpsLimitExceeded")
	flags.Float64Var(&faults.LoseAnswer, "lose-answer", 0,
		"probability that a call is carried out without an answer")
	flags.DurationVar(&faults.Latency, "latency", 0, "of every call")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	s := mns.New(mns.Options{
		AccountID: *account,
		Keys:      map[string]mns.Key{*id: {Secret: *secret, Token: *token}},
	})
	s.SetFaults(faults)
	for name := range strings.SplitSeq(*queues, ",") {
		if name != "" {
			s.CreateQueue(name)
		}
	}
	if *stdin {
		var end context.CancelFunc
		ctx, end = context.WithCancel(ctx)
		go func() {
			io.Copy(io.Discard, in)
			end()
		}()
	}
	return serve(ctx, *address, s, out)
}

// serve serves until ctx ends.
func serve(ctx context.Context, address string, handler http.Handler, out io.Writer) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "ready http://%s\n", l.Addr())
	server := &http.Server{Handler: handler, ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
