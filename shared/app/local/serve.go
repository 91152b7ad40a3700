package local

import (
	"context"
	"errors"
	"fmt"
	"syscall"

	"millrace/shared/httpclient"
	"millrace/shared/inflight"
	"millrace/shared/rpc/server"
	"millrace/shared/share"
)

// Serve opens the server, listens and serves until ctx is done, then stops cleanly.
func Serve(ctx context.Context, c Config) error {
	c = complete(c)
	listener, err := httpclient.Listen("tcp", c.Listen)
	if err != nil {
		return listenError("--listen", c.Listen, err)
	}
	served, err := tlsListener(listener, c)
	if err != nil {
		listener.Close()
		return err
	}
	a, err := Open(ctx, c)
	if err != nil {
		listener.Close()
		return err
	}
	metricsServer, err := serveMetrics(c.Settings.Metrics,
		shareCollector{a.shares.all(), a.diskUse}, requestCollector{a.requestBytes, a.rejections},
		scheduleCollector{a.engine})
	if err != nil {
		listener.Close()
		return errors.Join(err, a.Close())
	}
	memory := c.Settings.Memory()
	inflight.LimitHeap(memory)
	defer holdBallast(memory)()
	httpServer := server.New(c.Listen, a.Handler())
	httpServer.Connections = connectionsWithin(connections(filesMax()), memory)
	httpServer.Bytes, httpServer.Rejections = a.requestBytes, a.rejections
	failed := make(chan error, 1)
	go func() { failed <- httpServer.Serve(served) }()
	if c.Ready != nil {
		c.Ready(listener.Addr().String())
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
		a.log.Error("server", "err", err)
	}
	if c.Stopping != nil && ctx.Err() != nil {
		c.Stopping(Waiting{
			Requests: held(a.shares.requests), Calls: held(a.shares.calls), Longest: drainTimeout,
		})
	}
	a.engine.StopAccepting() // ends long polls
	grace, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if serr := httpServer.Shutdown(grace); serr != nil {
		httpServer.Close()
	}
	metricsServer.close(grace)
	return errors.Join(err, a.Close())
}

// held returns how much of a pool is in use.
func held(p *share.Pool) (n int64) {
	for _, u := range p.Usage() {
		n += u.Held
	}
	return n
}

// listenError returns an error that says what to do about an address that cannot be listened on.
func listenError(setting, address string, err error) error {
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("cannot listen on %s: another program does; stop it, or choose another "+
			"address with %s", address, setting)
	}
	return fmt.Errorf("cannot listen on %s: %w; %s takes host:port, for example %s", address, err,
		setting, DefaultListen)
}
