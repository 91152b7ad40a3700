// A local server contains an embedded store, which functions do not need. Functions are built with
// the tag lambda.norpc, which leaves this file out.

//go:build !lambda.norpc

package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"syscall"
	"time"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/engine"
	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/queue/memqueue"
	"millrace/shared/rpc"
	"millrace/shared/store"
	"millrace/shared/store/pebblestore"
	"millrace/shared/task"
	"millrace/shared/task/actiontask"
	"millrace/shared/task/functiontask"
	"millrace/shared/task/httptask"
	"millrace/shared/task/outbound"
	"millrace/shared/task/subflowtask"
)

// App is a local server: the whole engine in one process.
type App struct {
	config  Config
	log     *slog.Logger
	store   *store.Store
	queue   *memqueue.Queue
	engine  *engine.Engine
	service *cloudflow.Service
	tasks   *functiontask.Runner
	handler http.Handler
	shares  pools
	diskUse *store.DiskUse // disk usage by account; nil with a single account

	requestBytes *inflight.Budget // bytes of requests in flight
	rejections   *rpc.Rejections

	ctx    context.Context // ends when the server stops accepting work
	cancel context.CancelFunc
	work   sync.WaitGroup
}

// Open opens the store, resumes the executions that an earlier process left, and starts the
// background work. It does not listen.
func Open(ctx context.Context, c Config) (*App, error) {
	c = complete(c)
	a := &App{config: c, log: c.Log}
	a.ctx, a.cancel = context.WithCancel(context.Background())
	credentials, err := a.credentials()
	if err != nil {
		return nil, err
	}
	limits, err := c.Settings.limits()
	if err != nil {
		return nil, err
	}
	file := &functiontask.File{}
	if c.Functions != "" {
		if file, err = functiontask.Load(c.Functions); err != nil {
			return nil, err
		}
	}
	driver, err := pebblestore.Open(ctx, pebblestore.Options{
		Dir:           c.Data,
		Logger:        c.Log,
		FreeFloor:     c.Settings.FreeMegabytes << 20,
		MemtableBytes: int(c.Settings.MemtableMegabytes) << 20,
	})
	if err != nil {
		return nil, err
	}
	a.warn(credentials)
	if credentials.Shared() {
		a.diskUse = store.NewDiskUse(driver.Free, c.Now)
	}
	a.store = store.New(store.Options{
		Driver:    driver,
		Now:       c.Now,
		Exclusive: true,
		DiskUse:   a.diskUse,
	})
	if err := a.build(file, limits, credentials); err != nil {
		driver.Close()
		return nil, err
	}
	a.startBackground()
	return a, nil
}

func complete(c Config) Config {
	if c.Listen == "" {
		c.Listen = DefaultListen
	}
	if c.Data == "" {
		c.Data = DefaultData
	}
	if c.Log == nil {
		c.Log = slog.Default()
	}
	if c.Now == nil {
		c.Now = time.Now
	}
	if c.Settings.Region == "" {
		c.Settings.Region = "local"
	}
	return c
}

// credentials loads the credentials file. Without one the server is open, and it must then listen
// on loopback only.
func (a *App) credentials() (*rpc.Credentials, error) {
	if a.config.Credentials != "" {
		return rpc.LoadCredentials(a.config.Credentials)
	}
	if _, _, err := net.SplitHostPort(a.config.Listen); err != nil {
		return nil, fmt.Errorf("--listen %s: %w", a.config.Listen, err)
	}
	if !rpc.IsLoopback(a.config.Listen) {
		return nil, fmt.Errorf("--listen %s: without --credentials the server is open and listens "+
			"on loopback only; "+
			"give it a credentials file (docs/credentials.md), or listen on 127.0.0.1",
			a.config.Listen)
	}
	return nil, nil
}

// warn logs settings that make the server easy to misuse. rpc.New checks the credentials
// themselves.
func (a *App) warn(credentials *rpc.Credentials) {
	c := &a.config
	rpc.WarnOfFile(c.Log, c.Functions, false)
	rpc.WarnOfFile(c.Log, c.SettingsFile, false)
	rpc.WarnOfFile(c.Log, c.Certificate, false)
	rpc.WarnOfFile(c.Log, c.Key, true)
	if credentials != nil && credentials.HasBearerTokens() && c.Certificate == "" &&
		!rpc.IsLoopback(c.Listen) {
		c.Log.Warn("bearer tokens and task tokens come as they are, and without TLS everybody on "+
			"the way can read and use "+
			"them; give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that "+
			"speaks TLS", "listen", c.Listen)
	}
}

// onlyAccount returns the account of all callers; "" if there are several accounts.
func (a *App) onlyAccount(credentials *rpc.Credentials) string {
	if credentials == nil {
		return cmp.Or(a.config.Settings.Account, rpc.DefaultAccount)
	}
	return credentials.OnlyAccount()
}

// build constructs the parts of the server and connects them.
func (a *App) build(
	file *functiontask.File, limits flow.Limits, credentials *rpc.Credentials,
) error {
	s := &a.config.Settings
	open := credentials == nil
	a.shares = newPools(s, limits, credentials.Shared(), filesMax())
	client, err := outbound.New(outbound.Options{
		AllowLoopback: boolOr(s.AllowLoopback, open),
		AllowPrivate:  boolOr(s.AllowPrivate, open),
		Allow:         s.Allow,
		MaxResponse:   responseMax(limits),
	})
	if err != nil {
		return err
	}
	internal := outbound.NewInternal(responseMax(limits))
	a.queue = memqueue.New(memqueue.Options{})
	a.tasks = functiontask.New(functiontask.Options{
		Functions:   file.Functions,
		Account:     a.onlyAccount(credentials),
		Client:      internal,
		MaxResponse: responseMax(limits),
		Log:         func(line string) { a.log.Info(line) },
	})
	children := &subflows{}
	flows := subflowtask.New(children, children)
	flows.AnyOwner = open
	table := map[string]task.Runner{
		httptask.Action:     httptask.New(client),
		functiontask.Action: a.tasks,
	}
	for _, action := range flows.Actions() {
		table[action] = flows
	}
	var tasks task.Runner = task.NewTable(table, actiontask.New(file.Actions, internal))
	if s.Tasks != "" {
		tasks = actiontask.New(taskOverride(s.Tasks), internal)
	}
	if a.config.Tasks != nil {
		tasks = a.config.Tasks
	}
	var register *access.Registry
	if !open {
		register = credentials.Register()
	}
	mayFlow := rights(register, s.Region)
	a.engine = engine.New(engine.Options{
		Store:     a.store,
		Queue:     a.queue,
		Tasks:     limitResponses(restrictAccounts(tasks, open, ""), a.shares.responses),
		Now:       a.config.Now,
		Rights:    mayFlow,
		Compile:   compiler(limits),
		Limits:    limits,
		Region:    s.Region,
		Log:       a.log,
		Exclusive: true,
		LeaseMax:  seconds(s.LeaseSeconds, 600),
		CallsMax:  s.CallsPerRun,
		Shares:    a.shares.engine(),
		Retention: seconds(s.RetentionDays*86400, 90*86400),
	})
	a.service = cloudflow.New(cloudflow.Options{
		Store:  a.store,
		Engine: a.engine,
		Limits: limits,
		Region: s.Region,
		Rights: mayFlow,
		Log:    a.log,
		Now:    a.config.Now,
	})
	children.engine, children.service, children.region = a.engine, a.service, s.Region
	o := rpc.Options{
		API:          a.service,
		Credentials:  credentials,
		Region:       s.Region,
		Account:      s.Account,
		Hosts:        s.Hosts,
		Rates:        s.rates(),
		MaxBody:      int64(limits.RequestBytes),
		CheckNonces:  s.CheckNonces,
		Nonces:       nonceStore{a.store.Driver(), a.config.Now},
		LoopbackOnly: open,
		Logger:       a.log,
		Requests:     a.shares.requests,
		Processors:   a.shares.processors,
	}
	if s.AccessLog {
		o.AccessLog = a.log
	}
	a.requestBytes, a.rejections = s.requestBudget(limits), rpc.NewRejections(a.log)
	o.Bytes, o.Rejections = a.requestBytes, a.rejections
	a.handler = rpc.New(o)
	return nil
}

// startBackground starts the background goroutines.
func (a *App) startBackground() {
	a.spawn(func() {
		if err := a.queue.Consume(a.ctx, a.engine.HandleHint); err != nil &&
			!errors.Is(err, context.Canceled) {
			a.log.Error("queue", "err", err)
		}
	})
	a.spawn(func() {
		if err := a.engine.Resume(a.ctx); err != nil {
			a.spawn(func() { a.retryResume(err) })
		}
		a.countRunning()
		a.sweep()
	})
	if a.diskUse != nil {
		a.spawn(a.recount)
	}
}

// resumeBackoffMax bounds the backoff between two tries to resume executions.
const resumeBackoffMax = time.Minute

// retryResume resumes the remaining executions of the previous process after the store or the queue
// failed. An execution with a call in flight that is not resumed waits until the call's lease
// expires, which may take a day.
func (a *App) retryResume(err error) {
	for pause := time.Second; err != nil; pause = min(2*pause, resumeBackoffMax) {
		a.log.Error("not everything that was in flight is taken up; trying again", "in", pause,
			"err", err)
		select {
		case <-time.After(pause):
		case <-a.ctx.Done():
			return
		}
		err = a.engine.Resume(a.ctx)
	}
}

func (a *App) spawn(f func()) {
	a.work.Add(1)
	go func() {
		defer a.work.Done()
		f()
	}()
}

// countRunning counts running executions for the quota of each account.
func (a *App) countRunning() {
	err := a.store.EachFlow(a.ctx, func(f *store.Flow) error {
		return a.engine.CountRunning(a.ctx, f.Account, f.ID)
	})
	a.engine.CountingDone(err == nil)
	if err != nil && a.ctx.Err() == nil {
		a.log.Warn("running executions could not be counted; their limit counts from now on",
			"err", err)
	}
}

// recountInterval is how often the disk usage of the accounts is counted anew.
const recountInterval = 6 * time.Hour

func (a *App) recount() {
	t := time.NewTicker(recountInterval)
	defer t.Stop()
	for {
		if err := a.store.Recount(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Warn("what the accounts take of the disk could not be counted", "err", err)
		}
		select {
		case <-t.C:
		case <-a.diskUse.RecountRequested():
		case <-a.ctx.Done():
			return
		}
	}
}

func (a *App) sweep() {
	t := time.NewTicker(seconds(a.config.Settings.SweepSeconds, 60))
	defer t.Stop()
	for {
		if err := a.engine.Sweep(a.ctx); err != nil && a.ctx.Err() == nil {
			a.log.Error("sweep", "err", err)
		}
		select {
		case <-t.C:
		case <-a.ctx.Done():
			return
		}
	}
}

// Handler returns the API, for use in another HTTP server.
func (a *App) Handler() http.Handler { return a.handler }

// Engine returns the engine, for tests and benchmarks of the whole server.
func (a *App) Engine() *engine.Engine { return a.engine }

// drainTimeout is how long calls in flight may still run when the server stops.
const drainTimeout = 10 * time.Second

// Close stops the server. It accepts no new work, gives calls in flight drainTimeout to end, and
// closes the store. Everything that was acknowledged is durable.
func (a *App) Close() error {
	a.cancel()
	ctx, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	a.engine.Drain(ctx)
	a.engine.Close(ctx)
	a.queue.Close()
	a.tasks.Close(ctx)
	a.work.Wait()
	return a.store.Close()
}

// Serve opens the server, listens and serves until ctx is done, then stops cleanly.
func Serve(ctx context.Context, c Config) error {
	c = complete(c)
	listener, err := outbound.Listen("tcp", c.Listen)
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
		shareCollector{a.shares.all(), a.diskUse}, requestCollector{a.requestBytes, a.rejections})
	if err != nil {
		listener.Close()
		return errors.Join(err, a.Close())
	}
	inflight.LimitHeap(a.config.Settings.memory())
	defer holdBallast(a.config.Settings.memory())()
	server := rpc.NewServer(c.Listen, a.Handler())
	server.Connections = a.config.Settings.connectionsWithin(connections(filesMax()))
	server.Bytes, server.Rejections = a.requestBytes, a.rejections
	failed := make(chan error, 1)
	go func() { failed <- server.Serve(served) }()
	if c.Ready != nil {
		c.Ready(listener.Addr().String())
	}
	select {
	case <-ctx.Done():
	case err = <-failed:
		a.log.Error("server", "err", err)
	}
	a.engine.StopAccepting() // ends long polls
	grace, cancel := context.WithTimeout(context.Background(), drainTimeout)
	defer cancel()
	if serr := server.Shutdown(grace); serr != nil {
		server.Close()
	}
	metricsServer.close(grace)
	return errors.Join(err, a.Close())
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
