package cli

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/console"
	"millrace/shared/rpc"
	"millrace/shared/rpc/client"
	"millrace/shared/rpc/sign"
)

func consoleCommand() *command {
	return &command{
		name: "console", short: "Serve the console of any endpoint, on this machine", server: true,
		long: "The pages are made here from the API of --endpoint, which may be a server, the " +
			"functions of a cloud, or CloudFlow\n" +
			"itself. The key stays on this machine: the console listens on this machine's own " +
			"addresses alone, and everybody who may\n" +
			"use this machine acts with that key. `millrace serve` has a console of its own, at " +
			"/console/.",
		examples: "millrace console --endpoint https://api.example.com\n" +
			"# the real CloudFlow, with the key of the environment\n" +
			"millrace console --endpoint https://cn-hangzhou.fnf.aliyuncs.com",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			listen := f.String("listen", "127.0.0.1:8643", "`ADDRESS` to listen on, host:port")
			return withClient(func(c *invocation, api *client.Client) error {
				return c.serveConsole(api, *listen)
			})
		},
	}
}

// consoleGrace is how long pages that are being made may take when the program ends.
const consoleGrace = 5 * time.Second

// serveConsole serves the console until c.ctx ends.
func (c *invocation) serveConsole(api *client.Client, listen string) error {
	if !rpc.IsLoopback(listen) {
		return usagef("--listen %s: the console acts with your key, so it listens on this "+
			"machine's own addresses only, like 127.0.0.1:8643", listen)
	}
	listener, err := net.Listen("tcp", listen)
	if err != nil {
		return fmt.Errorf("cannot listen on %s: %w; choose another address with --listen", listen,
			err)
	}
	pages := console.New(console.Options{
		Connect: func(string, *sign.Key) (*client.Client, error) { return api, nil },
		Now:     c.Now,
	})
	server := &http.Server{Handler: pages, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(c.Stderr, "the console of %s is at http://%s/; Ctrl-C ends it\n", api.Endpoint,
		listener.Addr())
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(listener) }()
	select {
	case err = <-failed:
	case <-c.ctx.Done():
		ctx, cancel := context.WithTimeout(context.Background(), consoleGrace)
		defer cancel()
		err = server.Shutdown(ctx)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}
