package lambdatask_test

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/lambdatask"
)

// service simulates Lambda: it returns the same response to every call, and records the calls.
type service struct {
	status  int
	header  map[string]string
	body    string
	path    string
	kind    string
	context string
	payload string
}

func (s *service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.path, s.kind, s.payload = r.URL.Path, r.Header.Get("X-Amz-Invocation-Type"), string(body)
	c, _ := base64.StdEncoding.DecodeString(r.Header.Get("X-Amz-Client-Context"))
	s.context = string(c)
	w.Header().Set("X-Amzn-Requestid", "req-1")
	for k, v := range s.header {
		w.Header().Set(k, v)
	}
	w.WriteHeader(s.status)
	io.WriteString(w, s.body)
}

type recorder map[string]task.InvocationRecord

func (n recorder) Record(_ context.Context, id string, note task.InvocationRecord) error {
	if n == nil {
		return errors.New("store unreachable")
	}
	n[id] = note
	return nil
}

func newRunner(t *testing.T, s *service, n task.InvocationRecorder) *lambdatask.Runner {
	t.Helper()
	server := httptest.NewServer(s)
	t.Cleanup(server.Close)
	client := lambda.New(lambda.Options{Region: "us-east-1", BaseEndpoint: &server.URL,
		Retryer: aws.NopRetryer{},
		Credentials: aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
			return aws.Credentials{AccessKeyID: "a", SecretAccessKey: "b"}, nil
		})})
	return lambdatask.New(lambdatask.Options{Client: client, Recorder: n,
		Functions: []lambdatask.Function{
			{Match: "charge", ARN: charge},
			{
				Match: "acs:fc:*:*:functions/prod-*/live",
				ARN:   "arn:aws:lambda:eu-west-1:123456789012:function:{name}:live",
			}}})
}

const charge = "arn:aws:lambda:us-east-1:123456789012:function:charge"

func fc(parameters string) task.Request {
	return task.Request{
		Action: lambdatask.ActionFC, Account: "1", Region: "cn-hangzhou", Key: "k1", Token: "tok",
		Parameters: json.RawMessage(parameters),
	}
}

func TestSync(t *testing.T) {
	s := &service{status: 200, body: `{"paid":true}`}
	r := newRunner(t, s, nil)
	got := r.Run(t.Context(),
		fc(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync","body":{"n":1}}`))
	const want = `{"Body":{"paid":true},"Code":200,"Header":{"Content-Type":"application/json",` +
		`"X-Amzn-Requestid":"req-1"}}`
	if got.Error != nil || string(got.Output) != want {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	if s.path != "/2015-03-31/functions/"+charge+"/invocations" || s.kind != "RequestResponse" ||
		s.payload != `{"n":1}` || s.context != `{"custom":{"fnfIdempotencyKey":"k1"}}` {
		t.Errorf("asked %+v", s)
	}
	for body, payload := range map[string]string{
		`"{\"a\":1}"`: `{"a":1}`, `"plain"`: `"plain"`, `null`: `null`, `[1]`: `[1]`,
	} {
		r.Run(t.Context(),
			fc(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync","body":`+body+
				`}`))
		if s.payload != payload {
			t.Errorf("body %s was sent as %s", body, s.payload)
		}
	}
	r.Run(t.Context(),
		fc(`{"resourceArn":"acs:fc:::functions/prod-x/live","invocationType":"Sync"}`))
	if !strings.Contains(s.path, "function:prod-x:live") || s.payload != "{}" {
		t.Errorf("asked %+v", s)
	}
}

// TestTexts: a result beyond the engine's limits fails the task, unless the result does not count.
func TestTexts(t *testing.T) {
	s := &service{status: 200, body: `{"\ud800":1}`}
	r := newRunner(t, s, nil)
	q := fc(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`)
	if got := r.Run(t.Context(), q); got.Error == nil || got.Error.Name != flow.ErrInvalidLocal ||
		!strings.Contains(got.Error.Cause, "half a surrogate pair") {
		t.Errorf("%s %v", got.Output, got.Error)
	}
	q.Mode = flow.WaitForCustomCallback
	if got := r.Run(t.Context(), q); got.Error != nil ||
		!strings.HasPrefix(string(got.Output), `{"Body":null,"Code":200,`) {
		t.Errorf("%s %v", got.Output, got.Error)
	}
}

func TestOwnAction(t *testing.T) {
	s := &service{status: 200, body: `1`}
	r := newRunner(t, s, nil)
	q := task.Request{
		Action:     lambdatask.Action,
		Parameters: json.RawMessage(`{"functionArn":"` + charge + `:live","body":{}}`),
	}
	if got := r.Run(t.Context(), q); got.Error != nil || !strings.Contains(s.path, "charge:live") ||
		!strings.Contains(string(got.Output), `"Body":1`) {
		t.Errorf("%s %v %s", got.Output, got.Error, s.path)
	}
	for _, arn := range []string{
		"", "charge", "arn:aws:lambda:us-east-1.evil.example:123456789012:function:f",
		"arn:aws:lambda:us-east-1:1:function:f",
		"arn:aws:sqs:us-east-1:123456789012:function:f",
		"arn:aws:lambda:us-east-1:123456789012:function:f/../g",
		"arn:aws:lambda:us-east-1:123456789012:function:f:1:2"} {
		s.path = ""
		q.Parameters, _ = json.Marshal(map[string]string{"functionArn": arn})
		if got := r.Run(t.Context(), q); got.Error == nil ||
			got.Error.Name != "Lambda.InvalidArgument" || s.path != "" {
			t.Errorf("%q: %v, asked %q", arn, got.Error, s.path)
		}
	}
}

func TestFlowV1(t *testing.T) {
	s := &service{status: 200, body: `{"a":1}`}
	r := newRunner(t, s, nil)
	q := task.Request{
		Action: lambdatask.ActionFC, Dialect: flow.FlowV1,
		Resource: "acs:fc:cn-hangzhou:1:services/s.LATEST/functions/charge",
		Input:    json.RawMessage(`{"in":1}`),
	}
	if got := r.Run(t.Context(), q); got.Error != nil || string(got.Output) != `{"a":1}` ||
		s.payload != `{"in":1}` {
		t.Errorf("%s %v %s", got.Output, got.Error, s.payload)
	}
	q.Mode = flow.WaitForCustomCallback
	if got := r.Run(t.Context(), q); string(got.Output) != "{}" {
		t.Errorf("a callback task's call: %s %v", got.Output, got.Error)
	}
}

func TestAsync(t *testing.T) {
	s := &service{status: 202}
	n := recorder{}
	r := newRunner(t, s, n)
	q := fc(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Async","body":{}}`)
	got := r.Run(t.Context(), q)
	if got.Error != nil || got.Async || s.kind != "Event" ||
		!strings.Contains(string(got.Output), `"Code":202`) || len(n) != 0 {
		t.Errorf("%s %v, notes %v", got.Output, got.Error, n)
	}
	q.Mode = flow.WaitForSystemCallback
	got = r.Run(t.Context(), q)
	if got.Error != nil || got.Async ||
		n["req-1"] != (task.InvocationRecord{
			Account: "1", Token: "tok", Action: lambdatask.ActionFC, Function: charge,
		}) {
		t.Errorf("%v, notes %v", got.Error, n)
	}
	if got := newRunner(t, s, recorder(nil)).Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "FC.InternalServerError" {
		t.Errorf("a note that was not taken: %v", got.Error)
	}
	if got := newRunner(t, s, nil).Run(t.Context(), q); got.Error == nil ||
		got.Error.Name != "FC.InvalidArgument" {
		t.Errorf("nobody takes notes: %v", got.Error)
	}
	q.Parameters = json.RawMessage(
		`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`,
	)
	if got := r.Run(t.Context(), q); got.Error == nil || got.Error.Name != "FC.InvalidArgument" {
		t.Errorf("waiting for a synchronous call: %v", got.Error)
	}
}

func TestFailures(t *testing.T) {
	tests := []struct {
		status int
		header map[string]string
		body   string
		name   string
		cause  string
	}{
		{
			200, map[string]string{"X-Amz-Function-Error": "Unhandled"},
			`{"errorType":"NoFunds","errorMessage":"none left"}`, "NoFunds", "none left",
		},
		{
			200, map[string]string{"X-Amz-Function-Error": "Unhandled"},
			`{"errorMessage":"2025 Task timed out after 3.00 seconds"}`, "FC.Unknown", "timed out",
		},
		{
			200, map[string]string{"X-Amz-Function-Error": "Unhandled"}, `not json`, "FC.Unknown",
			"not json",
		},
		{
			404, map[string]string{"X-Amzn-ErrorType": "ResourceNotFoundException"},
			`{"Type":"User","Message":"Function not found"}`, "FC.FunctionNotFound",
			"stands for acs:fc",
		},
		{
			429, map[string]string{"X-Amzn-ErrorType": "TooManyRequestsException"},
			`{"message":"Rate Exceeded."}`, "FC.ResourceExhausted", "Rate Exceeded",
		},
		{
			403, map[string]string{"X-Amzn-ErrorType": "AccessDeniedException"}, `{"Message":"no"}`,
			"FC.AccessDenied", "lambda:InvokeFunction",
		},
		{
			413, map[string]string{"X-Amzn-ErrorType": "RequestTooLargeException"},
			`{"message":"large"}`, "FC.EntityTooLarge", "",
		},
		{
			500, map[string]string{"X-Amzn-ErrorType": "ServiceException"}, `{}`,
			"FC.InternalServerError", "",
		},
		{
			502, map[string]string{"X-Amzn-ErrorType": "ENILimitReachedException"}, `{}`,
			"FC.InternalServerError", "",
		},
		{
			400, map[string]string{"X-Amzn-ErrorType": "SomethingNew"}, `{}`, "FC.Unknown",
			"SomethingNew",
		},
	}
	for _, test := range tests {
		r := newRunner(t, &service{status: test.status, header: test.header, body: test.body}, nil)
		got := r.Run(t.Context(),
			fc(`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`))
		if got.Error == nil || got.Error.Name != test.name ||
			!strings.Contains(got.Error.Cause, test.cause) {
			t.Errorf("%d %v: %v, want %s", test.status, test.header, got.Error, test.name)
		}
	}
	r := newRunner(t, &service{status: 200}, nil)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if got := r.Run(ctx,
		fc(
			`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync"}`,
		)); got.Error == nil ||
		got.Error.Name != "FC.Unknown" {
		t.Errorf("a call that was cut off: %v", got.Error)
	}
}

func TestUnmapped(t *testing.T) {
	r := newRunner(t, &service{status: 200}, nil)
	if got := r.Run(t.Context(),
		fc(
			`{"resourceArn":"acs:fc:::functions/other","invocationType":"Sync"}`,
		)); got.Error == nil ||
		got.Error.Name != "FC.FunctionNotFound" ||
		!strings.Contains(got.Error.Cause, "lambda: arn:aws") {
		t.Errorf("%v", got.Error)
	}
	r.Next = task.RunnerFunc(func(context.Context, task.Request) task.Result {
		return task.Result{Output: json.RawMessage(`"next"`)}
	})
	if got := r.Run(t.Context(),
		fc(
			`{"resourceArn":"acs:fc:::functions/other","invocationType":"Sync"}`,
		)); string(got.Output) != `"next"` {
		t.Errorf("%v", got)
	}
	for _, parameters := range []string{
		`7`, `{}`, `{"resourceArn":7}`, `{"resourceArn":"acs:oss:::x"}`,
		`{"resourceArn":"acs:fc:::functions/a b"}`,
		`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Later"}`,
	} {
		if got := r.Run(t.Context(), fc(parameters)); got.Error == nil ||
			got.Error.Name != "FC.InvalidArgument" {
			t.Errorf("%s: %v", parameters, got.Error)
		}
	}
}

func TestCheckARN(t *testing.T) {
	for arn, good := range map[string]bool{
		charge: true, "arn:aws-cn:lambda:cn-north-1:123456789012:function:{name}:$LATEST": true,
		"arn:aws:lambda:*:123456789012:function:f": false,
	} {
		if err := lambdatask.CheckARN(arn); (err == nil) != good {
			t.Errorf("%s: %v", arn, err)
		}
	}
}

func FuzzRun(f *testing.F) {
	f.Add(lambdatask.ActionFC,
		`{"resourceArn":"acs:fc:::functions/charge","invocationType":"Sync","body":"{}"}`,
		"acs:fc:::functions/charge", true)
	f.Add(lambdatask.Action, `{"functionArn":"`+charge+`"}`, "", false)
	r := lambdatask.New(lambdatask.Options{
		Client: rejectingClient{}, Functions: []lambdatask.Function{{Match: "*", ARN: charge}},
	})
	f.Fuzz(func(t *testing.T, action, parameters, resource string, flowV1 bool) {
		got := r.Run(context.Background(), task.Request{
			Action: action, Parameters: json.RawMessage(parameters), Resource: resource,
			Dialect: dialect(flowV1),
		})
		if got.Error == nil || got.Error.Name == "" {
			t.Fatal("a refused call succeeded")
		}
	})
}

type rejectingClient struct{}

func (rejectingClient) Invoke(
	context.Context, *lambda.InvokeInput, ...func(*lambda.Options),
) (*lambda.InvokeOutput, error) {
	return nil, errors.New("refused")
}

// dialect returns FlowV1 or StateMachine.
func dialect(flowV1 bool) flow.Dialect {
	if flowV1 {
		return flow.FlowV1
	}
	return flow.StateMachine
}
