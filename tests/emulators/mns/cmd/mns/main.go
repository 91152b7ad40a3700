// Command mns serves an emulated MNS. It prints `ready http://…` when it can be used, and ends with a signal or, given
// -stdin, with its standard input.
package main

import (
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

	"millrace/tests/emulators/mns"
)

func main() {
	address := flag.String("address", "127.0.0.1:0", "where to listen")
	account := flag.String("account", mns.AccountID, "ID of the account that owns the queues")
	id := flag.String("id", mns.AccessKeyID, "access key ID")
	secret := flag.String("secret", mns.AccessKeySecret, "access key secret")
	token := flag.String("token", "", "security token that requests must carry")
	queues := flag.String("queues", "", "names of queues to create, with commas between")
	stdin := flag.Bool("stdin", false, "end when the standard input does")
	var faults mns.Faults
	flag.Uint64Var(&faults.Seed, "seed", 0, "of the faults")
	flag.Float64Var(&faults.Duplicate, "duplicate", 0, "probability that a received message can be received again at once")
	flag.Float64Var(&faults.Reorder, "reorder", 0, "probability that a receive takes any message")
	flag.Float64Var(&faults.Lose, "lose", 0, "probability that a message is accepted and forgotten")
	flag.Float64Var(&faults.Refuse, "refuse", 0, "probability of InternalError")
	flag.Float64Var(&faults.Throttle, "throttle", 0, "probability of QpsLimitExceeded")
	flag.Float64Var(&faults.LoseAnswer, "lose-answer", 0, "probability that a call is carried out without an answer")
	flag.DurationVar(&faults.Latency, "latency", 0, "of every call")
	flag.Parse()
	s := mns.New(mns.Options{AccountID: *account, Keys: map[string]mns.Key{*id: {Secret: *secret, Token: *token}}})
	s.SetFaults(faults)
	for name := range strings.SplitSeq(*queues, ",") {
		if name != "" {
			s.CreateQueue(name)
		}
	}
	if err := serve(*address, s, *stdin); err != nil {
		fmt.Fprintln(os.Stderr, "mns:", err)
		os.Exit(1)
	}
}

// serve serves until a signal comes or the standard input ends.
func serve(address string, s *mns.Server, stdin bool) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	fmt.Printf("ready http://%s\n", l.Addr())
	end := make(chan os.Signal, 1)
	signal.Notify(end, os.Interrupt, syscall.SIGTERM)
	if stdin {
		go func() {
			io.Copy(io.Discard, os.Stdin)
			end <- syscall.SIGTERM
		}()
	}
	server := &http.Server{Handler: s, ReadHeaderTimeout: time.Minute}
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(l) }()
	select {
	case err := <-failed:
		return err
	case <-end:
		return server.Close()
	}
}
