// Command tablestore runs the TableStore emulator alone, for clients of any language. It prints its
// endpoint when it is ready. Its tables are lost when it ends.
//
//	go -C tests/clouds/emulators run ./alibaba/tablestore/cmd/tablestore -listen 127.0.0.1:8087 \
//		-lag 50ms -busy 0.05 -lose 0.01
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
	"time"

	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt)
	defer stop()
	if err := run(ctx, os.Args[1:], os.Stdout, os.Stderr); err != nil {
		if !errors.Is(err, flag.ErrHelp) {
			fmt.Fprintln(os.Stderr, "tablestore:", err)
		}
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string, out, diag io.Writer) error {
	flags := flag.NewFlagSet("tablestore", flag.ContinueOnError)
	flags.SetOutput(diag)
	listen := flags.String("listen", "127.0.0.1:8087", "address to listen at; port 0: any")
	key := tablestore.DefaultKey
	flags.StringVar(&key.ID, "key", key.ID, "access key id that clients sign with")
	flags.StringVar(&key.Secret, "secret", key.Secret, "secret of the access key")
	flags.StringVar(&key.Token, "token", "", "STS token that clients send; none: a long-lived key")
	var o tablestore.Options
	flags.StringVar(&o.Instance, "instance", tablestore.DefaultInstance, "name of the instance")
	flags.DurationVar(&o.IndexLag, "lag", 0, "how long global indexes are behind")
	flags.DurationVar(&o.ReadyAfter, "ready", 0, "how long a new table is not ready")
	flags.IntVar(&o.TableRate, "tablerate", 0,
		"table operations a second; 0: no bound, the service has 10")
	flags.IntVar(&o.PageRows, "pagerows", 0, "rows that a page of GetRange may scan; 0: 5000")
	var chance tablestore.Chance
	flags.Uint64Var(&chance.Seed, "seed", 1, "seed of the faults")
	flags.Float64Var(&chance.Busy, "busy", 0, "chance of OTSServerBusy for a request")
	flags.Float64Var(&chance.Conflict, "conflict", 0,
		"chance of OTSRowOperationConflict for a write")
	flags.Float64Var(&chance.Drop, "drop", 0, "chance that a request is lost")
	flags.Float64Var(&chance.Lose, "lose", 0, "chance that an answer is lost")
	flags.Float64Var(&chance.Timeout, "timeout", 0,
		"chance that a write is applied and OTSTimeout answered")
	flags.DurationVar(&chance.Latency, "latency", 0, "longest wait of a request")
	if err := flags.Parse(args); err != nil {
		return err
	}
	if flags.NArg() > 0 {
		return fmt.Errorf("unknown argument %q", flags.Arg(0))
	}
	o.Keys = []tablestore.Key{key}
	server := tablestore.New(o)
	server.SetFault(chance.Hook())
	return serve(ctx, *listen, server, out)
}

func serve(ctx context.Context, address string, handler http.Handler, out io.Writer) error {
	l, err := net.Listen("tcp", address)
	if err != nil {
		return err
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	fmt.Fprintf(out, "ready http://%s\n", l.Addr())
	ended := make(chan error, 1)
	go func() { ended <- server.Serve(l) }()
	select {
	case err := <-ended:
		return err
	case <-ctx.Done():
		return server.Close()
	}
}
