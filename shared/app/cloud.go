package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/queue"
	"millrace/shared/queue/sqsqueue"
	"millrace/shared/rpc"
	"millrace/shared/runner"
	"millrace/shared/store"
	"millrace/shared/store/dynamostore"
	"millrace/shared/task"
	"millrace/shared/task/fctask"
	"millrace/shared/task/flowtask"
	"millrace/shared/task/httptask"
	"millrace/shared/task/lambdatask"
	"millrace/shared/task/maptask"
	"millrace/shared/task/outbound"
	"millrace/shared/trigger"
)

// Cloud is the engine in the functions of a cloud: each function is one role of it, and they share nothing but the
// store and the queue.
type Cloud struct {
	config   CloudConfig
	settings Settings
	limits   flow.Limits
	log      *slog.Logger
	store    *store.Store
	queue    queue.Sender
	runner   *runner.Runner
	service  *cloudflow.Service
	outcomes *outcomes
}

// tailBytes is how long a history tail grows in a row of DynamoDB: a write unit is 1 KB (execution.md 1.3).
const tailBytes = 600

// OpenCloud sets up a function from its environment. It makes no request, except to find a queue that is given by its
// name alone: what is wrong with the table or a permission is told by the first request that meets it.
func OpenCloud(ctx context.Context, getenv func(string) string) (*Cloud, error) {
	config, err := cloudConfig(getenv)
	if err != nil {
		return nil, err
	}
	c := &Cloud{config: config, log: slog.Default()}
	if c.settings, err = parseSettings("MILLRACE_SETTINGS", []byte(config.Settings)); err != nil {
		return nil, err
	}
	if c.limits, err = c.settings.limits(); err != nil {
		return nil, err
	}
	name, err := table(config.StoreURL)
	if err != nil {
		return nil, err
	}
	cfg, err := awsConfig(getenv)
	if err != nil {
		return nil, err
	}
	client := dynamostore.NewClient(cfg, func(o *dynamodb.Options) { o.BaseEndpoint = endpoint(getenv, "DYNAMODB") })
	c.store = store.New(store.Options{Driver: dynamostore.New(dynamostore.Options{Client: client, Table: name}), Now: clock(), TailBytes: tailBytes})
	if c.queue, err = openQueue(ctx, cfg, config.QueueURL, getenv, c.log); err != nil {
		return nil, err
	}
	// A function is called once for each attempt: repeating it is the flow's own decision.
	functions := lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		o.BaseEndpoint, o.Retryer = endpoint(getenv, "LAMBDA"), aws.NopRetryer{}
	})
	return c, c.wire(functions)
}

// openQueue opens the queue of QUEUE_URL.
func openQueue(ctx context.Context, cfg aws.Config, queueURL string, getenv func(string) string, log *slog.Logger) (queue.Sender, error) {
	address, name, err := queueAddress(queueURL)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) { o.BaseEndpoint = endpoint(getenv, "SQS") })
	if name != "" {
		out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return nil, fmt.Errorf("QUEUE_URL: the queue %s cannot be found in %s; check its name, or give its URL (sqs:GetQueueUrl may be missing): %w", name, cfg.Region, err)
		}
		address = aws.ToString(out.QueueUrl)
	}
	return sqsqueue.New(sqsqueue.Options{Client: client, URL: address, Log: log}), nil
}

// wire joins the parts, as the local server does, with a thin runner.
func (c *Cloud) wire(lambdas lambdatask.Client) error {
	s := &c.settings
	// Loopback stays closed whatever the settings say: the runtime API of the function listens there.
	client, err := outbound.New(outbound.Options{AllowPrivate: either(s.AllowPrivate, false), Allow: s.Allow})
	if err != nil {
		return err
	}
	file, err := parseFunctions(c.config.Functions)
	if err != nil {
		return err
	}
	c.outcomes = &outcomes{driver: c.store.Driver(), log: c.log}
	functions := lambdatask.New(lambdatask.Options{Client: lambdas, Functions: file.lambda, Noted: c.outcomes, Next: others(file.rest)})
	children := &children{}
	flows := flowtask.New(children, children)
	tasks := map[string]task.Runner{httptask.Action: httptask.New(client), lambdatask.Action: functions, lambdatask.ActionFC: functions}
	for _, action := range flows.Actions() {
		tasks[action] = flows
	}
	if s.Tasks != "" {
		tasks, file.actions = nil, rehearsal(s.Tasks)
	}
	c.runner = runner.New(runner.Options{Store: c.store, Queue: c.queue, Tasks: task.NewTable(tasks, maptask.New(file.actions, nil)),
		Compile: compiler(c.limits), Limits: c.limits, Region: c.config.Region, Now: clock(), Log: c.log, Thin: true, StoreExpires: true,
		CallMax: c.config.Call, SyncMax: c.config.Sync, CallsMax: s.CallsPerRun, Retention: seconds(s.RetentionDays*86400, 90*86400)})
	c.service = cloudflow.New(cloudflow.Options{Store: c.store, Runner: c.runner, Limits: c.limits, Region: c.config.Region,
		Now: clock(), WaitMax: c.config.Wait, Log: c.log})
	children.runner, children.service, children.region = c.runner, c.service, c.config.Region
	c.outcomes.runner = c.runner
	return nil
}

// rehearsal maps every action to an address.
func rehearsal(address string) []task.Mapping { return []task.Mapping{{Match: "*", HTTP: address}} }

// others carries out functions that are no Lambda functions; nil without any.
func others(functions []fctask.Function) task.Runner {
	if len(functions) == 0 {
		return nil
	}
	return fctask.New(fctask.Options{Functions: functions})
}

// Handler is the API. Without credentials there is none: whoever reaches a function from outside could do everything.
func (c *Cloud) Handler() (http.Handler, error) {
	if c.config.Credentials == "" {
		return nil, errors.New("MILLRACE_CREDENTIALS is not set: the API needs to know who may call (docs/credentials.md)")
	}
	accounts, err := rpc.ParseAccounts([]byte(c.config.Credentials))
	if err != nil {
		return nil, fmt.Errorf("MILLRACE_CREDENTIALS: %w", err)
	}
	credentials, err := rpc.NewCredentials(accounts)
	if err != nil {
		return nil, fmt.Errorf("MILLRACE_CREDENTIALS: %w", err)
	}
	s := &c.settings
	o := rpc.Options{API: c.service, Credentials: credentials, Region: c.config.Region, Hosts: s.Hosts, Rates: s.rates(),
		MaxBody: int64(c.limits.RequestBytes), CheckNonces: s.CheckNonces, Nonces: nonceRows{c.store.Driver(), time.Now}, Logger: c.log}
	if s.AccessLog {
		o.AccessLog = c.log
	}
	return rpc.New(o), nil
}

// Decode gives the partition that the body of a message of the queue names.
func (c *Cloud) Decode(body string) (string, error) { return sqsqueue.Decode(body) }

// Work takes up an execution and runs it as far as it goes, or as long as ctx has time for.
func (c *Cloud) Work(ctx context.Context, partition string) error {
	return c.runner.Work(ctx, partition)
}

// Outcome takes in how an asynchronous invocation has ended.
func (c *Cloud) Outcome(ctx context.Context, o trigger.Outcome) error { return c.outcomes.take(ctx, o) }

// Sweep sees to what is due.
func (c *Cloud) Sweep(ctx context.Context) error { return c.runner.Sweep(ctx) }

// Starter gives what starts executions for events.
func (c *Cloud) Starter() (func(context.Context, []trigger.Start) error, error) {
	rules, err := startRules(c.config.Starts)
	if err != nil {
		return nil, err
	}
	if len(rules) == 0 {
		return nil, errors.New("MILLRACE_STARTS is not set: no event starts anything (docs/aws.md)")
	}
	s := &starter{rules: rules, service: c.service, store: c.store, limits: c.limits, region: c.config.Region, log: c.log}
	return s.start, nil
}
