// Package lambdatask carries out tasks by AWS Lambda: FC:InvokeFunction, in both dialects, if a
// mapping names a Lambda function for a function of Function Compute; and its own action
// Lambda:Invoke:
//
//	Action: Lambda:Invoke
//	Parameters:
//	  functionArn: arn:aws:lambda:us-east-1:123456789012:function:charge:live
//	  invocationType: Sync       # or Async; without it as the TaskMode wants
//	  body: {order.$: $Input.order}
//
// The result is that of FC:InvokeFunction: {"Header":…,"Code":200,"Body":…}.
//
// If a task waits for the end of an asynchronous invocation (WaitForSystemCallback), the result
// arrives through the function's destinations, which the user points at the engine's queue. A
// destination record contains the request id of the invocation and no other id of the task, so the
// request id is recorded when Lambda has accepted the invocation. Without destinations the task
// ends by its timeout.
package lambdatask

import (
	"context"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	awsmiddleware "github.com/aws/aws-sdk-go-v2/aws/middleware"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"millrace/shared/flow"
	"millrace/shared/inflight"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
	"millrace/shared/value"
)

// Actions that the runner carries out.
const (
	Action   = "Lambda:Invoke"
	ActionFC = "FC:InvokeFunction"
)

// Client is the part of *lambda.Client that the runner uses.
type Client interface {
	Invoke(ctx context.Context, in *lambda.InvokeInput,
		options ...func(*lambda.Options)) (*lambda.InvokeOutput, error)
}

// Function says which Lambda function replaces the functions that Match matches: a glob on the
// resource name, or on the function's name, as in the functions file (docs/functions.md).
type Function struct {
	Match string
	// ARN is of a function, a version or an alias; {name} is replaced by the name of the matched
	// function.
	ARN string
}

// Options configures a runner.
type Options struct {
	Client    Client
	Functions []Function
	Recorder  task.InvocationRecorder
	// Next carries out FC:InvokeFunction for functions that no entry matches. If it is nil, they
	// fail as not found.
	Next task.Runner

	Own *reserved.Resources // tasks may not invoke these
}

// Runner carries out Action and ActionFC. It is safe for many goroutines.
type Runner struct{ Options }

// New returns a runner. The client should not retry: the flow's Retry decides whether a call is
// repeated.
func New(o Options) *Runner { return &Runner{o} }

// Run invokes the function. It returns when the function has ended, or, for an asynchronous
// invocation, when Lambda has accepted it.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	c, err := t.parse(&r)
	switch {
	case err != nil:
		return r.Failf(invalidArgument, "%s", err)
	case c.arn == "" && t.Next != nil:
		return t.Next.Run(ctx, r)
	case c.arn == "":
		return r.Failf(
			functionNotFound,
			"No Lambda function stands for %s. Name one in the functions file, for "+
				"example:\nfunctions:\n"+
				"  - match: %s\n    lambda: arn:aws:lambda:us-east-1:123456789012:function:%s",
			c.written, c.name, c.name)
	}
	if err := t.Own.CheckLambda(c.arn); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	if c.async {
		return t.submit(ctx, &r, c)
	}
	return t.call(ctx, &r, c)
}

// call invokes the function and waits for its end.
func (t *Runner) call(ctx context.Context, r *task.Request, c *invokeRequest) task.Result {
	out, failure := t.invoke(ctx, r, c, types.InvocationTypeRequestResponse)
	system := r.Mode == flow.WaitForSystemCallback
	if failure != nil {
		return task.Result{Error: failure, Async: system}
	}
	if aws.ToString(out.FunctionError) != "" {
		return task.Result{Error: task.FunctionFailure(r.Action, out.Payload), Async: system}
	}
	if !r.DropsBody() {
		if err := inflight.ResponseFromContext(ctx).Hold(ctx,
			int64(value.Cost(out.Payload))); err != nil {
			return task.Result{Error: serviceFailure(ctx, r, c, err), Async: system}
		}
	}
	return r.FunctionResult(Response(int(out.StatusCode), requestID(out), out.Payload))
}

// submit hands the invocation to Lambda's own queue. A task that waits for its end is recorded
// under its request id.
func (t *Runner) submit(ctx context.Context, r *task.Request, c *invokeRequest) task.Result {
	if r.Mode == flow.WaitForSystemCallback && t.Recorder == nil {
		return r.Failf(invalidArgument,
			"Asynchronous invocations that are waited for need a queue for their outcomes, and "+
				"there is none here.")
	}
	out, failure := t.invoke(ctx, r, c, types.InvocationTypeEvent)
	if failure != nil {
		return task.Result{Error: failure}
	}
	if r.Mode == flow.WaitForSystemCallback {
		n := r.InvocationRecord(c.arn, false)
		if err := t.Recorder.Record(ctx, requestID(out), n); err != nil {
			return r.Failf(internalError,
				"The invocation was accepted, but its record could not be written: %s",
				err)
		}
	}
	return r.AcceptedResult(http.Header{"X-Amzn-Requestid": {requestID(out)}})
}

func (t *Runner) invoke(
	ctx context.Context, r *task.Request, c *invokeRequest, kind types.InvocationType,
) (*lambda.InvokeOutput, *flow.Error) {
	in := &lambda.InvokeInput{FunctionName: &c.arn, InvocationType: kind, Payload: c.event}
	if kind == types.InvocationTypeRequestResponse && r.Key != "" {
		in.ClientContext = aws.String(clientContext(r.Key))
	}
	out, err := t.Client.Invoke(ctx, in, func(o *lambda.Options) { o.Region = c.region })
	if err != nil {
		return nil, serviceFailure(ctx, r, c, err)
	}
	return out, nil
}

func requestID(out *lambda.InvokeOutput) string {
	id, _ := awsmiddleware.GetRequestIDMetadata(out.ResultMetadata)
	return id
}

// Response returns the response of a function that did not fail.
func Response(status int, requestID string, payload []byte) task.Response {
	header := map[string][]string{"Content-Type": {"application/json"}}
	if requestID != "" {
		header["X-Amzn-Requestid"] = []string{requestID}
	}
	return task.Response{Status: status, Header: header, Body: payload, EmptyIsNull: true}
}

// clientContext returns the client context that carries the idempotency key to the function:
// context.client_context.custom["fnfIdempotencyKey"].
func clientContext(key string) string {
	return base64Text(value.Encode(map[string]any{
		"custom": map[string]any{"fnfIdempotencyKey": key},
	}))
}
