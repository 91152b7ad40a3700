package main

import (
	"context"
	"encoding/json"
	"flag"
	"io"
	"log/slog"
	"net"
	"net/http"
	_ "net/http/pprof" // on an address of its own, if pprofVariable is set
	"os"

	"millrace/shared/app/local"
	"millrace/shared/config"
	"millrace/shared/rpc/server"
	"millrace/tests/bench/ceiling"
)

// roles are the servers that this program becomes when it starts itself. `serve` takes the flags of
// `millrace serve`.
var roles = map[string]func(ctx context.Context, args []string) error{"serve": serve,
	"ceiling": serveCeiling}

// pprofVariable holds the address on which this program's server serves pprof. The shipped server
// has no pprof.
const pprofVariable = "MILLRACE_PPROF"

// untilOrphaned returns a context that also ends when the parent process is gone.
func untilOrphaned(ctx context.Context) context.Context {
	ctx, cancel := context.WithCancel(ctx)
	go func() {
		io.Copy(io.Discard, os.Stdin)
		cancel()
	}()
	return ctx
}

func serve(ctx context.Context, args []string) error {
	var c local.Config
	var settings string
	f := flag.NewFlagSet("serve", flag.ContinueOnError)
	f.StringVar(&c.Listen, "listen", "", "")
	f.StringVar(&c.Data, "data", "", "")
	f.StringVar(&c.Credentials, "credentials", "", "")
	f.StringVar(&settings, "config", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	var err error
	if c.Settings, err = config.Load(settings); err != nil {
		return err
	}
	c.Log = slog.New(slog.NewTextHandler(os.Stderr, nil))
	if address := os.Getenv(pprofVariable); address != "" {
		go func() { c.Log.Error("pprof", "err", http.ListenAndServe(address, nil)) }()
	}
	return local.Serve(untilOrphaned(ctx), c)
}

func serveCeiling(ctx context.Context, args []string) error {
	f := flag.NewFlagSet("ceiling", flag.ContinueOnError)
	listen := f.String("listen", "", "")
	path := f.String("config", "", "")
	if err := f.Parse(args); err != nil {
		return err
	}
	text, err := os.ReadFile(*path)
	if err != nil {
		return err
	}
	var c ceiling.Config
	if err := json.Unmarshal(text, &c); err != nil {
		return err
	}
	s, err := ceiling.NewServer(c)
	if err != nil {
		return err
	}
	listener, err := net.Listen("tcp", *listen)
	if err != nil {
		return err
	}
	httpServer := server.New(*listen, s)
	go httpServer.Serve(listener)
	<-untilOrphaned(ctx).Done()
	httpServer.Close()
	return s.Close()
}
