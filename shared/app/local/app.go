// Package local is the local server: the whole engine in one process, over an embedded store.
package local

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"sync"
	"time"

	"millrace/shared/access"
	"millrace/shared/app"
	"millrace/shared/backoff"
	"millrace/shared/cloudflow"
	"millrace/shared/console"
	"millrace/shared/engine"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/inflight"
	"millrace/shared/object"
	"millrace/shared/object/folderobject"
	"millrace/shared/queue/memqueue"
	"millrace/shared/rpc"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
	"millrace/shared/store"
	"millrace/shared/store/pebblestore"
	"millrace/shared/task"
	"millrace/shared/task/actiontask"
	"millrace/shared/task/functiontask"
	"millrace/shared/task/httptask"
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
	folders []*folderobject.Store // of the functions file
	handler http.Handler
	shares  pools
	diskUse *store.DiskUse // disk usage by account; nil with a single account
	health  health

	requestBytes *inflight.Budget // bytes of requests in flight
	rejections   *server.Rejections

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
	limits, err := c.Settings.FlowLimits()
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
	a.health.free = driver.Free
	a.warn(credentials)
	if credentials.Shared() {
		a.diskUse = store.NewDiskUse(driver.Free, c.Now)
	}
	a.store = store.New(store.Options{
		Driver:    driver,
		Now:       c.Now,
		Exclusive: true,
		DiskUse:   a.diskUse,

		ListShards: int(c.Settings.ListShards),
	})
	if err := a.build(file, limits, credentials); err != nil {
		a.closeFolders()
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
func (a *App) credentials() (*auth.Credentials, error) {
	if a.config.Credentials != "" {
		return auth.Load(a.config.Credentials)
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

// warn logs settings that make the server easy to misuse. server.NewHandler checks the credentials
// themselves.
func (a *App) warn(credentials *auth.Credentials) {
	c := &a.config
	auth.WarnOfFile(c.Log, c.Functions, false)
	auth.WarnOfFile(c.Log, c.SettingsFile, false)
	auth.WarnOfFile(c.Log, c.Certificate, false)
	auth.WarnOfFile(c.Log, c.Key, true)
	if credentials != nil && credentials.HasBearerTokens() && c.Certificate == "" &&
		!rpc.IsLoopback(c.Listen) {
		c.Log.Warn("bearer tokens and task tokens come as they are, and without TLS everybody on "+
			"the way can read and use "+
			"them; give --tls-cert and --tls-key, or listen on 127.0.0.1 behind a proxy that "+
			"speaks TLS", "listen", c.Listen)
	}
}

// onlyAccount returns the account of all callers; "" if there are several accounts.
func (a *App) onlyAccount(credentials *auth.Credentials) string {
	if credentials == nil {
		return cmp.Or(a.config.Settings.Account, server.DefaultAccount)
	}
	return credentials.OnlyAccount()
}

// boolOr returns *set, or def if set is nil.
func boolOr(set *bool, def bool) bool {
	if set != nil {
		return *set
	}
	return def
}

// build constructs the parts of the server and connects them.
func (a *App) build(
	file *functiontask.File, limits flow.Limits, credentials *auth.Credentials,
) error {
	s := &a.config.Settings
	a.shares = newPools(s, limits, credentials.Shared(), filesMax())
	children := &app.Subflows{}
	tasks, err := a.runner(file, limits, credentials, children)
	if err != nil {
		return err
	}
	var register *access.Registry
	if credentials != nil {
		register = credentials.Register()
	}
	mayFlow := app.Rights(register, s.Region)
	a.queue = memqueue.New(memqueue.Options{})
	objects, err := a.openObjects(file)
	if err != nil {
		return err
	}
	a.engine = a.newEngine(tasks, objects, limits, mayFlow)
	a.service = cloudflow.New(cloudflow.Options{
		Store:  a.store,
		Engine: a.engine,
		Limits: limits,
		Region: s.Region,
		Rights: mayFlow,
		Log:    a.log,
		Now:    a.config.Now,
	})
	children.Service, children.Region = a.service, s.Region
	a.handler = a.withConsole(a.newAPI(limits, credentials), credentials)
	return nil
}

// runner returns what calls the tasks of flows, and sets a.tasks. children must get the service
// before the first call.
func (a *App) runner(
	file *functiontask.File, limits flow.Limits, credentials *auth.Credentials,
	children *app.Subflows,
) (task.Runner, error) {
	s := &a.config.Settings
	open := credentials == nil
	client, err := httpclient.New(httpclient.Options{
		AllowLoopback: boolOr(s.AllowLoopback, open),
		AllowPrivate:  boolOr(s.AllowPrivate, open),
		Allow:         s.Allow,
		MaxResponse:   app.ResponseMax(limits),
	})
	if err != nil {
		return nil, err
	}
	internal := httpclient.NewInternal(app.ResponseMax(limits))
	a.tasks = functiontask.New(functiontask.Options{
		Functions:   file.Functions,
		Account:     a.onlyAccount(credentials),
		Client:      internal,
		MaxResponse: app.ResponseMax(limits),
		Log:         func(line string) { a.log.Info(line) },
	})
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
		tasks = actiontask.New(app.TaskOverride(s.Tasks), internal)
	}
	if a.config.Tasks != nil {
		tasks = a.config.Tasks
	}
	if !open { // an open server runs a definition that names accounts of a cloud unchanged
		tasks = task.RestrictAccounts(tasks, "")
	}
	return app.LimitResponses(tasks, a.shares.responses), nil
}

// rightsFunc returns what a flow may do with the rights of its role or author, as app.Rights does.
type rightsFunc = func(account, role, author string) (access.May, error)

func (a *App) newEngine(
	tasks task.Runner, objects object.Store, limits flow.Limits, rights rightsFunc,
) *engine.Engine {
	s := &a.config.Settings
	return engine.New(engine.Options{
		Store:         a.store,
		Queue:         a.queue,
		Tasks:         tasks,
		Items:         newItems(objects),
		Now:           a.config.Now,
		Rights:        rights,
		Compile:       fdl.Compiler(limits),
		Limits:        limits,
		Region:        s.Region,
		Log:           a.log,
		Topology:      engine.Embedded,
		LeaseMax:      s.Lease(),
		CallsMax:      s.CallsPerRun,
		Shares:        a.shares.engine(),
		Retention:     s.Retention(),
		CatchUp:       s.CatchUp(),
		RedriveWindow: s.RedriveWindow(),
	})
}

// newAPI returns the handler of the API, and sets what its metrics are read from.
func (a *App) newAPI(limits flow.Limits, credentials *auth.Credentials) http.Handler {
	s := &a.config.Settings
	a.requestBytes, a.rejections = s.RequestBudget(limits), server.NewRejections(a.log)
	o := server.Options{
		API:          a.service,
		Credentials:  credentials,
		Region:       s.Region,
		Account:      s.Account,
		Hosts:        s.Hosts,
		Rates:        s.RequestRates(),
		MaxBody:      int64(limits.RequestBytes),
		CheckNonces:  s.CheckNonces,
		Nonces:       app.NonceStore{Driver: a.store.Driver(), Now: a.config.Now},
		LoopbackOnly: credentials == nil,
		Logger:       a.log,
		Requests:     a.shares.requests,
		Processors:   a.shares.processors,
		Bytes:        a.requestBytes,
		Rejections:   a.rejections,
	}
	if s.AccessLog {
		o.AccessLog = a.log
	}
	return server.NewHandler(o)
}

// consoleHold is how long a page of the console waits for something to happen.
const consoleHold = 20 * time.Second

// withConsole serves the console beside the API.
func (a *App) withConsole(api http.Handler, credentials *auth.Credentials) http.Handler {
	return console.Mount(api, console.New(console.Options{
		Connect:     console.InProcess(api, a.requestBytes),
		Credentials: credentials,
		Hosts:       a.config.Settings.Hosts,
		Secure:      a.config.Certificate != "",
		Hold:        consoleHold,
		Bytes:       a.requestBytes,
		Health:      func(key *auth.Key) *console.Health { return a.healthFor(credentials, key) },
		Now:         a.config.Now,
		Log:         a.log,
	}))
}

// startBackground starts the background goroutines.
func (a *App) startBackground() {
	a.spawn(func() {
		if err := a.queue.Consume(a.ctx, a.engine.HandleHint); err != nil &&
			!errors.Is(err, context.Canceled) {
			a.log.Error("the queue's consumer ended", "err", err)
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

// resumeBackoff is the pause between two tries to resume executions.
var resumeBackoff = backoff.Policy{Min: time.Second, Max: time.Minute}

// retryResume resumes the remaining executions of the previous process after the store or the queue
// failed. An execution with a call in flight that is not resumed waits until the call's lease
// expires, which may take a day.
func (a *App) retryResume(err error) {
	for tries := 0; err != nil; tries++ {
		pause := resumeBackoff.After(tries)
		a.log.Error("not every execution in flight is resumed; trying again", "in", pause,
			"err", err)
		if !backoff.Wait(a.ctx, pause) {
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
		return a.engine.CountRunning(a.ctx, f)
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
			a.log.Warn("the disk use of the accounts could not be counted", "err", err)
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
	t := time.NewTicker(a.config.Settings.SweepInterval())
	defer t.Stop()
	for {
		err := a.engine.Sweep(a.ctx)
		if err != nil && a.ctx.Err() == nil {
			a.log.Error("sweep failed", "err", err)
		}
		a.health.swept(a.config.Now(), err)
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
	a.closeFolders()
	a.work.Wait()
	return a.store.Close()
}
