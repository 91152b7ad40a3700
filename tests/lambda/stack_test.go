package lambda_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	ddbtypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc"
	"millrace/shared/store/dynamostore"
	"millrace/tests/emulators"
	"millrace/tests/lambda"
)

var built struct {
	once sync.Once
	dir  string
	err  error
}

// TestMain removes what build has made.
func TestMain(m *testing.M) {
	code := m.Run()
	if built.dir != "" {
		os.RemoveAll(built.dir)
	}
	os.Exit(code)
}

// binary compiles the functions as they are deployed, once, and gives the path of one.
func binary(t testing.TB, function string) string {
	t.Helper()
	built.once.Do(func() {
		if built.dir, built.err = os.MkdirTemp("", "millrace-functions-"); built.err != nil {
			return
		}
		cmd := exec.Command("go", "build", "-tags", "lambda.norpc", "-trimpath", "-o", built.dir+"/",
			"./functions/api", "./functions/steprunner", "./functions/starter", "./functions/sweeper")
		cmd.Dir, cmd.Env = "../..", append(os.Environ(), "CGO_ENABLED=0")
		if text, err := cmd.CombinedOutput(); err != nil {
			built.err = fmt.Errorf("%w\n%s", err, text)
		}
	})
	if built.err != nil {
		t.Fatal(built.err)
	}
	return filepath.Join(built.dir, function)
}

const (
	account = "1234567890123456"
	keyID   = "AKTEST"
	secret  = "a-secret-of-the-tests"
	creds   = `{"accounts":[{"id":"` + account + `","keys":[{"id":"` + keyID + `","secret":"` + secret + `"}]}]}`
)

// stack is a deployment: functions, table, queue with its dead letters, gateway, poller and sweeper.
type stack struct {
	t         *testing.T
	api       *lambda.Function
	runner    *lambda.Function
	sweeper   *lambda.Function
	poller    *lambda.Poller
	sqs       *sqs.Client
	queue     string
	dead      string
	dynamo    *dynamodb.Client
	table     string
	env       []string
	plain     []string // env of a function that no fault disturbs
	gateways  map[lambda.Form]string
	client    *rpc.Client
	stopPolls context.CancelFunc
	polling   *sync.WaitGroup
}

// options of a stack.
type options struct {
	env         []string                 // added to the environment of all functions
	dynamo      emulators.Faulty         // faults between the step runner and the table; nil: none
	apiDynamo   emulators.Faulty         // the same between the API and the table
	sqs         emulators.Faulty         // the same between all functions and the queue
	poller      func(*lambda.Poller)     // changes the poller
	function    func(f *lambda.Function) // changes each function
	apis        int                      // instances of the API; 4
	noSweeps    bool
	sweepsEvery time.Duration // 2 s
	hurried     bool          // before each sweep two minutes go by
}

func deploy(t *testing.T, o options) *stack {
	t.Helper()
	ddb, queues := emulators.StartDynalite(t), emulators.StartFauxqs(t)
	s := &stack{t: t, table: "millrace", dynamo: dynamodb.NewFromConfig(emulators.Config(ddb, nil)), sqs: sqs.NewFromConfig(emulators.Config(queues, nil)), gateways: map[lambda.Form]string{}, polling: &sync.WaitGroup{}}
	if err := dynamostore.CreateTable(t.Context(), s.dynamo, s.table); err != nil {
		t.Fatal(err)
	}
	s.createQueues()
	queuesEndpoint := queues
	if o.sqs != nil {
		queuesEndpoint = emulators.Proxy(t, queues, o.sqs)
	}
	s.env = append([]string{"AWS_REGION=" + emulators.Region, "AWS_ACCESS_KEY_ID=test", "AWS_SECRET_ACCESS_KEY=test", "AWS_ENDPOINT_URL_SQS=" + queuesEndpoint,
		"STORE_URL=dynamodb://" + s.table, "QUEUE_URL=" + s.queue, "MILLRACE_REGION=cn-hangzhou", "MILLRACE_CREDENTIALS=" + creds,
		"MILLRACE_CALL_SECONDS=5"}, o.env...)
	s.plain = append([]string{"AWS_ENDPOINT_URL_DYNAMODB=" + ddb}, s.env...)
	through := func(f emulators.Faulty) []string {
		if f == nil {
			return s.plain
		}
		return append([]string{"AWS_ENDPOINT_URL_DYNAMODB=" + emulators.Proxy(t, ddb, f)}, s.env...)
	}
	if o.apis == 0 {
		o.apis = 4
	}
	s.api = s.function("api", 29*time.Second, o.apis, through(o.apiDynamo), o.function)
	s.runner = s.function("steprunner", 30*time.Second, 8, through(o.dynamo), o.function)
	s.sweeper = s.function("sweeper", 30*time.Second, 1, s.plain, o.function)
	s.poll(o)
	for _, form := range []lambda.Form{lambda.HTTPAPI, lambda.HTTPAPIProd, lambda.RESTAPI, lambda.FunctionURL} {
		server := httptest.NewServer(&lambda.Gateway{Form: form, Invoke: s.api.Invoke})
		t.Cleanup(server.Close)
		s.gateways[form] = server.URL
	}
	s.client = s.connect(lambda.HTTPAPI, "v1")
	return s
}

func (s *stack) createQueues() {
	s.t.Helper()
	create := func(name string, attributes map[string]string) string {
		out, err := s.sqs.CreateQueue(s.t.Context(), &sqs.CreateQueueInput{QueueName: &name, Attributes: attributes})
		if err != nil {
			s.t.Fatal(err)
		}
		return *out.QueueUrl
	}
	s.dead = create("steps-dead", nil)
	got, err := s.sqs.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &s.dead, AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameQueueArn}})
	if err != nil {
		s.t.Fatal(err)
	}
	s.queue = create("steps", map[string]string{"RedrivePolicy": `{"deadLetterTargetArn":"` + got.Attributes["QueueArn"] + `","maxReceiveCount":5}`})
}

// function deploys one.
func (s *stack) function(name string, timeout time.Duration, instances int, env []string, edit func(*lambda.Function)) *lambda.Function {
	f := &lambda.Function{Name: name, Binary: binary(s.t, name), Env: env, Timeout: timeout, Instances: instances}
	if edit != nil {
		edit(f)
	}
	s.t.Cleanup(func() {
		f.Close()
		if s.t.Failed() {
			s.t.Logf("%s: %d invocations, %d cold starts; its output ends with\n%s", name, f.Invocations(), f.ColdStarts(), last(f.Output(), 3000))
		}
	})
	return f
}

func last(s string, n int) string { return s[max(0, len(s)-n):] }

// poll starts the event source mapping and the schedule.
func (s *stack) poll(o options) {
	var ctx context.Context
	ctx, s.stopPolls = context.WithCancel(context.Background())
	s.poller = &lambda.Poller{Client: s.sqs, URL: s.queue, ARN: "arn:aws:sqs:us-east-1:000000000000:steps", Invoke: s.runner.Invoke,
		Batch: 5, Concurrent: 8, Visibility: 3 * time.Second, Random: rand.New(rand.NewPCG(1, 2)), LateMax: time.Second}
	if o.poller != nil {
		o.poller(s.poller)
	}
	s.polling.Go(func() { s.poller.Run(ctx) })
	if o.sweepsEvery == 0 {
		o.sweepsEvery = 2 * time.Second
	}
	if !o.noSweeps {
		s.polling.Go(func() {
			for t := time.NewTicker(o.sweepsEvery); ; {
				select {
				case <-t.C:
					if o.hurried {
						s.hurry()
					}
					s.sweep()
				case <-ctx.Done():
					t.Stop()
					return
				}
			}
		})
	}
	s.t.Cleanup(func() {
		s.stopPolls()
		s.polling.Wait()
	})
}

func (s *stack) sweep() {
	if _, err := s.sweeper.Invoke([]byte(`{"kind":"sweep"}`)); err != nil {
		s.t.Error("sweep:", err)
	}
}

// connect gives a client that goes through a gateway of a form.
func (s *stack) connect(form lambda.Form, signature string) *rpc.Client {
	s.t.Helper()
	c, err := rpc.NewClient(rpc.ClientOptions{Endpoint: s.gateways[form], AccessKeyID: keyID, Secret: secret, Signature: signature, HTTPClient: &http.Client{Transport: emulators.NewTransport()}})
	if err != nil {
		s.t.Fatal(err)
	}
	return c
}

// define creates a flow of the states given; it starts with A.
func (s *stack) define(name, states string) {
	s.t.Helper()
	definition := fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: A\nStates:\n%s", name, states)
	if _, err := s.client.CreateFlow(s.t.Context(), cloudflow.CreateFlowRequest{Name: name, Definition: definition, Type: "FDL"}); err != nil {
		s.t.Fatal(err)
	}
}

func (s *stack) start(flow, name, input string) {
	s.t.Helper()
	if _, err := s.client.StartExecution(s.t.Context(), cloudflow.StartExecutionRequest{FlowName: flow, ExecutionName: name, Input: input}); err != nil {
		s.t.Fatal(err)
	}
}

// wait gives an execution once it has ended.
func (s *stack) wait(flow, name string, most time.Duration) *rpc.Execution {
	s.t.Helper()
	seconds := int64(20)
	for end := time.Now().Add(most); ; {
		x, err := s.client.DescribeExecution(s.t.Context(), cloudflow.DescribeExecutionRequest{FlowName: flow, ExecutionName: name, WaitTimeSeconds: &seconds})
		if err != nil {
			s.t.Fatal(err)
		}
		if x.Status != "Running" && x.Status != "Starting" {
			return x
		}
		if time.Now().After(end) {
			s.t.Fatalf("%s of %s still runs: %s; history %v", name, flow, s.poller, s.history(flow, name))
		}
	}
}

// succeeded waits for an execution and checks its output.
func (s *stack) succeeded(flow, name, output string) {
	s.t.Helper()
	x := s.wait(flow, name, time.Minute)
	if x.Status != "Succeeded" || x.Output != output {
		s.t.Errorf("%s of %s: %s %s, want %s; history %v", name, flow, x.Status, x.Output, output, s.history(flow, name))
	}
}

// history is the types of the events, in their order; they must be numbered without a gap.
func (s *stack) history(flow, name string) []string {
	s.t.Helper()
	var types []string
	q := cloudflow.GetExecutionHistoryRequest{FlowName: flow, ExecutionName: name}
	for {
		page, err := s.client.GetExecutionHistory(s.t.Context(), q)
		if err != nil {
			s.t.Fatal(err)
		}
		for _, e := range page.Events {
			if e.EventID != int64(len(types)+1) {
				s.t.Errorf("%s of %s: event %d has the id %d", name, flow, len(types)+1, e.EventID)
			}
			types = append(types, e.Type)
		}
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return types
		}
	}
}

// send puts a text into the queue.
func (s *stack) send(body string) {
	s.t.Helper()
	if _, err := s.sqs.SendMessage(s.t.Context(), &sqs.SendMessageInput{QueueUrl: &s.queue, MessageBody: &body}); err != nil {
		s.t.Fatal(err)
	}
}

// hurry makes every row due whose wake time lies ahead, as if two minutes had gone by: waking early is harmless.
func (s *stack) hurry() {
	s.t.Helper()
	now := strconv.FormatInt(time.Now().UnixMilli(), 10)
	values := map[string]ddbtypes.AttributeValue{":now": &ddbtypes.AttributeValueMemberN{Value: now}}
	out, err := s.dynamo.Scan(s.t.Context(), &dynamodb.ScanInput{TableName: &s.table, FilterExpression: aws.String("k > :now"), ExpressionAttributeValues: values})
	if err != nil {
		s.t.Fatal(err)
	}
	for _, item := range out.Items {
		key := map[string]ddbtypes.AttributeValue{"p": item["p"], "s": item["s"]}
		_, err := s.dynamo.UpdateItem(s.t.Context(), &dynamodb.UpdateItemInput{TableName: &s.table, Key: key, UpdateExpression: aws.String("SET k = :now"),
			ConditionExpression: aws.String("k > :now"), ExpressionAttributeValues: values})
		var moved *ddbtypes.ConditionalCheckFailedException
		if err != nil && !errors.As(err, &moved) {
			s.t.Fatal(err)
		}
	}
}

// letters counts the dead letters.
func (s *stack) letters() string {
	s.t.Helper()
	got, err := s.sqs.GetQueueAttributes(s.t.Context(), &sqs.GetQueueAttributesInput{QueueUrl: &s.dead,
		AttributeNames: []types.QueueAttributeName{types.QueueAttributeNameApproximateNumberOfMessages}})
	if err != nil {
		s.t.Fatal(err)
	}
	return got.Attributes["ApproximateNumberOfMessages"]
}

func count(list []string, what string) (n int) {
	for _, s := range list {
		if strings.EqualFold(s, what) {
			n++
		}
	}
	return n
}
