package clouds_test

import (
	"cmp"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"

	"millrace/shared/rpc/client"
	"millrace/shared/store/driver"
	"millrace/tests/clouds"
	"millrace/tests/clouds/emulators"
	"millrace/tests/clouds/lambda"
)

// onLambda is a deployment on AWS.
type onLambda struct {
	*lambda.Stack
	feed   *lambda.Feed // of the starter
	writes atomic.Pointer[func(write) faultKind]
	sends  atomic.Pointer[func() faultKind]
}

const lambdaRules = "[{bucket: my-bucket, by: events, prefix: in/, flow: imported, account: '" +
	clouds.Account + "'}, " +
	"{bucket: my-bucket, prefix: in/, flow: imported, account: '" + clouds.Account + "'}]"

func deployLambda(t *testing.T, o options) deployment {
	p := &onLambda{}
	lo := lambda.Options{Env: o.env, Credentials: o.credentials, APIs: o.apis, Skip: o.skip,
		Busy: o.busy, Race: !o.deployed, OtherCheckout: o.otherCheckout,
		Poller: func(p *lambda.Poller) { p.Visibility = time.Second },
		Function: func(f *lambda.Function) {
			f.Freeze = true
			if o.limited { // a step runner may have half of an API's (template.yaml, RunnerMemory)
				f.Memory = map[string]int{"api": 512}[f.Name]
				f.Memory = cmp.Or(f.Memory, 256)
				f.Before = clouds.Within(f.Memory)
			}
		}}
	// There are no faults: a message that a slow step runner has received must not come again until
	// it is a dead letter.
	if !o.skip {
		lo.Poller = func(p *lambda.Poller) { p.Visibility = 20 * time.Second }
	}
	if o.faults {
		lo.APIFaults, lo.Faults, lo.SweepFaults, lo.QueueFaults = p.table(false), p.table(true),
			p.table(false), p.queue
	}
	p.Stack = lambda.Deploy(t, lo)
	return p
}

// injectFault applies a fault to a call.
func injectFault(c emulators.Call, f faultKind,
	throttle func() (*http.Response, error)) (*http.Response, error) {
	switch f {
	case dropped:
		return nil, emulators.ErrLost
	case lost:
		return c.Lose()
	case throttled:
		return throttle()
	}
	return c.Send()
}

func (p *onLambda) table(runner bool) emulators.Faulty {
	return func(c emulators.Call) (*http.Response, error) {
		f := p.writes.Load()
		if f == nil || c.Op != "PutItem" && c.Op != "BatchWriteItem" {
			return c.Send()
		}
		return injectFault(c, (*f)(write{c.Body, runner}), c.Throttle)
	}
}

func (p *onLambda) queue(c emulators.Call) (*http.Response, error) {
	f := p.sends.Load()
	if f == nil || !strings.HasPrefix(c.Op, "SendMessage") {
		return c.Send()
	}
	return injectFault(c, (*f)(), func() (*http.Response, error) {
		return c.Refuse(http.StatusBadRequest, "RequestThrottled", "Request is throttled.")
	})
}

func (p *onLambda) setWrites(f func(write) faultKind) {
	if f == nil {
		p.writes.Store(nil)
		return
	}
	p.writes.Store(&f)
}

func (p *onLambda) setSends(f func() faultKind) {
	if f == nil {
		p.sends.Store(nil)
		return
	}
	p.sends.Store(&f)
}

func (p *onLambda) flows(t testing.TB) *clouds.Flows {
	return &clouds.Flows{T: t, Client: p.Client, Watcher: p.Watcher}
}

func (p *onLambda) peaks() (api, runner memoryUse) {
	of := func(f *lambda.Function) memoryUse {
		pids := f.PIDs()
		return memoryUse{f.Memory, clouds.Peak(pids), int(f.ColdStarts()) - len(pids)}
	}
	return of(p.API), of(p.StepRunner)
}

func (p *onLambda) rows() driver.Driver               { return p.Rows }
func (p *onLambda) clock() *clouds.Clock              { return p.Clock }
func (p *onLambda) apis() int64                       { return p.API.ColdStarts() }
func (p *onLambda) runs() int64                       { return p.StepRunner.Invocations() }
func (p *onLambda) kill()                             { p.StepRunner.Kill() }
func (p *onLambda) sweep()                            { p.Sweep() }
func (p *onLambda) send(body string)                  { p.Send(body) }
func (p *onLambda) waiting() int                      { return p.Waiting() }
func (p *onLambda) deadLetters() int                  { return p.DeadLetters() }
func (p *onLambda) deadLettersMalformed() bool        { return true }
func (p *onLambda) disturb(twice, late, lost float64) { p.Poller.Disturb(twice, late, lost) }

var lambdaFronts = map[string]lambda.Form{"http-api": lambda.HTTPAPI,
	"http-api-stage": lambda.HTTPAPIProd, "rest-api": lambda.RESTAPI,
	"function-url": lambda.FunctionURL}

func (p *onLambda) fronts() []string {
	return []string{"http-api", "http-api-stage", "rest-api", "function-url"}
}
func (p *onLambda) address(front string) string {
	return p.Gateways[lambdaFronts[front]]
}
func (p *onLambda) connect(front, sign string) *client.Client {
	return p.Connect(lambdaFronts[front], sign)
}

func (p *onLambda) function(t *testing.T, name string, env ...string) invoked {
	return p.On(t).Function(name, time.Minute, 1, append(append([]string{}, p.Plain...), env...),
		nil)
}

// starts returns the sources of events: the starter gets events from a queue. Events that a source
// sends directly have the same form, and are sent into that queue.
func (p *onLambda) starts() starts {
	put, bus := string(recorded(p.T, "aws-s3-put")), string(recorded(p.T, "aws-s3-eventbridge"))
	if p.feed == nil {
		p.feed = p.NewFeed(p.Stack.Function("starter", 30*time.Second, 2, p.Plain, nil))
	}
	return starts{
		events: map[string]string{"S3": put, "EventBridge": bus,
			"S3's test": string(recorded(p.T, "aws-s3-test-event"))},
		names:       2,
		deliver:     p.feed.Send,
		idle:        p.feed.Idle,
		deadLetters: p.feed.DeadLetters,
	}
}

func (p *onLambda) event(kind string) []byte {
	switch kind {
	case "request":
		return recorded(p.T, "aws-apigw-v2")
	case "batch":
		return lambdaBatch(`{"v":1,"p":"x#f#e"}`)
	case "object":
		return recorded(p.T, "aws-s3-put")
	}
	return recorded(p.T, "aws-scheduler")
}

func lambdaBatch(body string) []byte {
	text, err := json.Marshal(map[string]any{
		"Records": []any{map[string]any{"messageId": "m1", "eventSource": "aws:sqs",
			"body": body}}})
	if err != nil {
		panic(err) // only texts
	}
	return text
}

// wrong returns wrong environments, and tables that differ from those that the template creates.
func (p *onLambda) wrong(t *testing.T) []wrong {
	bare, keys := p.badTable(t, "p", "s"), p.badTable(t, "id", "range")
	return []wrong{
		{"api", "STORE_URL=", "request", "STORE_URL must be dynamodb://"},
		{"api", "QUEUE_URL=nowhere", "request", "QUEUE_URL must be"},
		{"api", "AWS_REGION=", "request", "AWS_REGION is not set"},
		{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, lambda: b}]}", "batch",
			"not the ARN"},
		{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, fc: b}]}", "batch",
			"for functions of Alibaba Cloud"},
		{"sweeper", "QUEUE_URL=sqs://missing", "tick",
			"the queue missing cannot be found in us-east-1; check its name"},
		{"sweeper", "STORE_URL=dynamodb://missing", "tick",
			"there is no such table; deploy the template, or correct the table's name or " +
				"the region"},
		{"sweeper", "AWS_ENDPOINT_URL_DYNAMODB=http://127.0.0.1:9", "tick",
			"nothing answers at the endpoint"},
		{"sweeper", "STORE_URL=dynamodb://" + bare, "tick",
			`it needs the indexes "wake" and "list", create it from the template`},
		{"starter", "STORE_URL=dynamodb://" + keys, "object",
			"the table's keys are not those of this program"},
	}
}

// badTable creates a table without indexes, with keys of the given names.
func (p *onLambda) badTable(t *testing.T, partition, sort string) string {
	name := emulators.Unique("bad")
	_, err := p.Dynamo.CreateTable(t.Context(), &dynamodb.CreateTableInput{TableName: &name,
		BillingMode: types.BillingModePayPerRequest,
		AttributeDefinitions: []types.AttributeDefinition{
			{AttributeName: &partition, AttributeType: types.ScalarAttributeTypeS},
			{AttributeName: &sort, AttributeType: types.ScalarAttributeTypeS}},
		KeySchema: []types.KeySchemaElement{
			{AttributeName: &partition, KeyType: types.KeyTypeHash},
			{AttributeName: &sort, KeyType: types.KeyTypeRange}}})
	if err != nil {
		t.Fatal(err)
	}
	eventually(t, func() (bool, string) {
		out, err := p.Dynamo.DescribeTable(t.Context(), &dynamodb.DescribeTableInput{
			TableName: aws.String(name)})
		return err == nil && out.Table.TableStatus == types.TableStatusActive,
			"the table does not become active"
	})
	return name
}
