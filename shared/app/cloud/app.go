// Package cloud is the engine in the functions of a cloud. The build tags millrace_aws and
// millrace_alibaba leave the other cloud out.
package cloud

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"millrace/shared/access"
	"millrace/shared/app"
	"millrace/shared/cloudflow"
	"millrace/shared/config"
	"millrace/shared/engine"
	"millrace/shared/events"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/httpclient"
	"millrace/shared/inflight"
	"millrace/shared/object"
	"millrace/shared/queue"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/task"
	"millrace/shared/task/actiontask"
	"millrace/shared/task/httptask"
	"millrace/shared/task/itemtask"
	"millrace/shared/task/reserved"
	"millrace/shared/task/subflowtask"
)

// App is the engine in the functions of a cloud. Each function has one role, and the functions
// share only the store and the queue.
type App struct {
	config       Config
	settings     config.Settings
	limits       flow.Limits
	log          *slog.Logger
	store        *store.Store
	queue        queue.Sender
	engine       *engine.Engine
	service      *cloudflow.Service
	asyncResults *asyncResults
	decode       func(body string) (string, error)
	dispatch     func(ctx context.Context, partition string) error
}

// services holds what differs between clouds.
type services struct {
	driver       driver.Driver
	objects      object.Store        // of the cloud, for distributed Maps
	own          *reserved.Resources // no flow may reach them
	tailBytes    int                 // max size of a history tail in a row, in bytes (docs/protocol.md#commit)
	storeExpires bool                // the store itself removes expired rows
	queue        queue.Sender
	decode       func(body string) (string, error)
	// resend puts an async result that came too early into the queue again; see asyncResults.
	resend func(ctx context.Context, text []byte, delay time.Duration) error

	// dropUnknown reports whether an async result without an invocation record is dropped. Where
	// messages come in batches that are acknowledged as a whole, one that never succeeds would hold
	// up the others.
	dropUnknown bool
	// The cloud's account, whose services flows of all accounts use; "" if resource names have no
	// account.
	account string
	// output, identity and queryResult are those of asyncResults.
	output      outputFunc
	identity    func(function string) (string, error)
	queryResult func(
		ctx context.Context, n task.InvocationRecord, id string,
	) (task.Result, bool, error)
	// runners returns, by action, the runners of the actions that this cloud carries out itself,
	// and the runner of all other actions; nil if there is none. flows carries out actions of the
	// product FNF in the engine.
	runners func(
		recorder task.InvocationRecorder, flows task.Runner,
	) (map[string]task.Runner, task.Runner)
	// dispatch starts an invocation of this function for a partition. It is nil if the function
	// processes hints itself.
	dispatch func(ctx context.Context, partition string) error
}

// Open sets up a function from its environment; STORE_URL selects the cloud. It makes no
// request, except to look up a queue that is configured by its name alone. A missing table or
// permission therefore shows only at the first request that needs it.
func Open(ctx context.Context, getenv func(string) string) (*App, error) {
	environment, err := readConfig(getenv)
	if err != nil {
		return nil, err
	}
	c := &App{config: environment, log: slog.Default()}
	c.settings, err = config.Parse("MILLRACE_SETTINGS", []byte(environment.Settings))
	if err != nil {
		return nil, err
	}
	if c.limits, err = c.settings.FlowLimits(); err != nil {
		return nil, err
	}
	file, err := parseFunctions(environment.Functions)
	if err != nil {
		return nil, err
	}
	h, err := c.open(ctx, getenv, file)
	if err != nil {
		return nil, err
	}
	c.store = store.New(store.Options{Driver: h.driver, Now: clock(), TailBytes: h.tailBytes,
		ListShards: int(c.settings.ListShards), WakeShards: int(c.settings.WakeShards)})
	c.queue, c.decode, c.dispatch = h.queue, h.decode, h.dispatch
	return c, c.build(h, file)
}

// open opens the services of the cloud that STORE_URL selects.
func (c *App) open(
	ctx context.Context, getenv func(string) string, file functionsFile,
) (*services, error) {
	scheme, _, _ := strings.Cut(c.config.StoreURL, "://")
	switch scheme {
	case "dynamodb":
		return c.openAWS(ctx, getenv, file)
	case "tablestore":
		return c.openAlibaba(getenv, file)
	}
	return nil, fmt.Errorf("STORE_URL must be dynamodb://<table> or "+
		"tablestore://<instance>/<table>, not %q", c.config.StoreURL)
}

// build constructs the parts, as the local server does, with an engine that only accepts messages.
func (c *App) build(h *services, file functionsFile) error {
	c.asyncResults = c.newAsyncResults(h)
	children := &app.Subflows{}
	tasks, err := c.tasks(h, file, subflowtask.New(children, children))
	if err != nil {
		return err
	}
	mayFlow, register, err := c.rights()
	if err != nil {
		return err
	}
	inflight.LimitHeap(c.settings.Memory())
	// A single account may hold only half: a function does not know how many accounts there are.
	responses := app.NewResponses(c.settings.Memory(), c.limits, true)
	restricted := task.RestrictAccounts(tasks, sharedAccount(register, h.account))
	c.engine = c.newEngine(h, app.LimitResponses(restricted, responses), mayFlow)
	c.service = c.newService(mayFlow)
	children.Service, children.Region = c.service, c.config.Region
	c.asyncResults.engine = c.engine
	return nil
}

// newAsyncResults returns what handles the results of asynchronous invocations; it has no engine
// yet.
func (c *App) newAsyncResults(h *services) *asyncResults {
	return &asyncResults{
		driver:       c.store.Driver(),
		output:       h.output,
		identity:     h.identity,
		queryResult:  h.queryResult,
		resend:       h.resend,
		dropUnknown:  h.dropUnknown,
		wakeOnExpiry: !h.storeExpires,
		log:          c.log,
	}
}

// tasks returns what runs the actions of flows: addresses that the configuration maps come before
// the services of the cloud. The setting Tasks takes the place of all.
func (c *App) tasks(
	h *services, file functionsFile, flows *subflowtask.Runner,
) (task.Runner, error) {
	s := &c.settings
	responseMax := app.ResponseMax(c.limits)
	// Loopback is never allowed, whatever the settings say, because the runtime API of the function
	// listens there.
	client, err := httpclient.New(httpclient.Options{
		AllowPrivate: s.AllowPrivate != nil && *s.AllowPrivate,
		Allow:        s.Allow,
		MaxResponse:  responseMax,
	})
	if err != nil {
		return nil, err
	}
	if s.Tasks != "" {
		override := app.TaskOverride(s.Tasks)
		return task.NewTable(nil,
			actiontask.New(override, httpclient.NewInternal(responseMax))), nil
	}
	runners, rest := h.runners(c.asyncResults, flows)
	runners[httptask.Action] = httptask.New(client)
	for _, action := range flows.Actions() {
		if runners[action] == nil {
			runners[action] = flows
		}
	}
	mapped := actiontask.New(file.actions, httpclient.NewInternal(responseMax))
	if rest == nil {
		return task.NewTable(runners, mapped), nil
	}
	return task.NewTable(runners, mapped.Before(rest)), nil
}

func (c *App) newEngine(
	h *services, tasks task.Runner, mayFlow func(account, role, author string) (access.May, error),
) *engine.Engine {
	s := &c.settings
	return engine.New(engine.Options{
		Store:         c.store,
		Queue:         c.queue,
		Tasks:         tasks,
		Items:         itemtask.New(itemtask.Options{Objects: h.objects, Own: h.own}),
		Rights:        mayFlow,
		Compile:       fdl.Compiler(c.limits),
		Limits:        c.limits,
		Region:        c.config.Region,
		Now:           clock(),
		Log:           c.log,
		Topology:      engine.Functions,
		LogEnds:       true,
		StoreExpires:  h.storeExpires,
		CallTimeMax:   c.config.Call,
		SyncTimeMax:   c.config.Sync,
		CallsMax:      s.CallsPerRun,
		Retention:     s.Retention(),
		CatchUp:       s.CatchUp(),
		RedriveWindow: s.RedriveWindow(),
	})
}

func (c *App) newService(
	mayFlow func(account, role, author string) (access.May, error),
) *cloudflow.Service {
	return cloudflow.New(cloudflow.Options{
		Store:   c.store,
		Engine:  c.engine,
		Limits:  c.limits,
		Region:  c.config.Region,
		Rights:  mayFlow,
		Now:     clock(),
		WaitMax: c.config.Wait,
		Log:     c.log,
	})
}

// rights reads what flows may do. A function without this configuration allows flows nothing,
// because it runs flows of accounts whose credentials it does not have.
func (c *App) rights() (func(account, role, author string) (access.May, error), *access.Registry,
	error) {
	name, text := "MILLRACE_RIGHTS", c.config.Rights
	if text == "" {
		name, text = "MILLRACE_CREDENTIALS", c.config.Credentials
	}
	if text == "" {
		none := func(string, string, string) (access.May, error) { return nil, errNoRights }
		return none, nil, nil
	}
	register, err := auth.ParseRights(name, []byte(text))
	if err != nil {
		return nil, nil, err
	}
	return app.Rights(register, c.config.Region), register, nil
}

var errNoRights = &access.NoRightsError{Reason: "This function does not know what flows may do: " +
	"set its MILLRACE_RIGHTS (docs/credentials.md)."}

// Handler returns the API. It fails without credentials, because then every client that can reach
// the function could do everything.
func (c *App) Handler() (http.Handler, error) {
	if c.config.Credentials == "" {
		return nil, errors.New("MILLRACE_CREDENTIALS is not set: the API needs to know who may " +
			"call (docs/credentials.md)")
	}
	credentials, err := auth.Parse("MILLRACE_CREDENTIALS", []byte(c.config.Credentials))
	if err != nil {
		return nil, err
	}
	s := &c.settings
	o := server.Options{
		API:         c.service,
		Credentials: credentials,
		Region:      c.config.Region,
		Hosts:       s.Hosts,
		Rates:       s.RequestRates(),
		MaxBody:     int64(c.limits.RequestBytes),
		CheckNonces: s.CheckNonces,
		Nonces:      app.NonceStore{Driver: c.store.Driver(), Now: time.Now},
		Logger:      c.log,
	}
	if s.AccessLog {
		o.AccessLog = c.log
	}
	o.Bytes = s.RequestBudget(c.limits)
	return server.NewHandler(o), nil
}

// Decode returns the partition that the body of a queue message names.
func (c *App) Decode(body string) (string, error) { return c.decode(body) }

// Dispatch returns a function that starts an invocation of this cloud function for a partition and
// does not wait for it. It is nil if the function processes hints itself.
func (c *App) Dispatch() func(ctx context.Context, partition string) error { return c.dispatch }

// Advance loads an execution and runs it until it is idle or ctx has no time left.
func (c *App) Advance(ctx context.Context, partition string) error {
	return c.engine.RunUntilIdle(ctx, partition)
}

// AsyncResult processes the result of an asynchronous invocation.
func (c *App) AsyncResult(ctx context.Context, o events.AsyncResult) error {
	return c.asyncResults.handle(ctx, o)
}

// Sweep processes the rows whose wake time has come.
func (c *App) Sweep(ctx context.Context) error { return c.engine.Sweep(ctx) }

// Starter returns the handler that starts executions for events.
func (c *App) Starter() (func(context.Context, events.Delivery) error, error) {
	rules, err := startRules(c.config.Starts)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, errors.New("MILLRACE_STARTS is not set: no event starts anything (docs/aws.md)")
	}
	s := &starter{
		rules:   rules,
		service: c.service,
		store:   c.store,
		limits:  c.limits,
		region:  c.config.Region,
		log:     c.log,
	}
	return s.handle, nil
}
