package task

import (
	"encoding/json"
	"fmt"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// dialect is all that differs between the dialects in what tasks read and return. Runners do not
// ask for the dialect: the methods of Request do.
type dialect struct {
	// takesInput: a task gets the input of its state, which is also the event of a function.
	// Otherwise a function's event is the parameter body.
	takesInput bool
	// inputAsText: the input of a child execution may be the JSON text of an object.
	inputAsText bool
	// choosesIDs: a flow may choose the id of an asynchronous invocation.
	choosesIDs bool
	// syncJobs: a job for whose end the task waits may be called synchronously, like any other.
	syncJobs bool
	// operations: flows may call operations of the engine's own service, not only StartExecution.
	operations bool
	// typeFlow is the member legacy in the requests of package actiontask.
	typeFlow bool
	// recorded is the dialect in the JSON of an InvocationRecord.
	recorded string

	message MessageParameters

	unsupported string // error code of an action that nothing carries out
	// ownError returns the error name for an error code of the engine's own service. resource is
	// Request.Resource.
	ownError func(resource, code string) string
	// ownDenied: ownError also names an AccessDenied that no runner of that service has returned.
	ownDenied bool

	// started returns the result of StartExecution.
	started func(flowName, execution, requestID string) map[string]any
	// function returns the result of a function that did not fail.
	function func(mode flow.TaskMode, a Response) Result
	// accepted returns the result of an asynchronous invocation that the service has accepted.
	accepted func(header map[string][]string) Result
	// body returns the result of a response that has no envelope.
	body func(contentType string, body []byte) (json.RawMessage, *flow.Error)
	// dropsBody: in mode WaitForCustomCallback the response of a function is no part of the result.
	dropsBody bool
}

// MessageParameters are the names of the parameters of MNS:SendMessage.
type MessageParameters struct {
	ResourceArn string // "": the resource name is Request.Resource, not a parameter
	Body        string
	Delay       string
	Priority    string
	Tag         string
	Attributes  string
}

// stateMachine is the dialect `Type: StateMachine`. The result of a function has an envelope.
var stateMachine = dialect{
	recorded: "false",
	message: MessageParameters{ResourceArn: "resourceArn", Body: "message", Delay: "delaySeconds",
		Priority: "priority", Tag: "messageTag", Attributes: "messageAttributes"},
	unsupported: "ActionNotSupported",
	ownError:    func(_, code string) string { return "FNF." + code },
	started: func(flowName, execution, requestID string) map[string]any {
		return map[string]any{"FlowName": flowName, "ExecutionName": execution,
			"RequestID": requestID}
	},
	function: func(mode flow.TaskMode, a Response) Result {
		if a.EmptyIsNull && len(a.Body) == 0 {
			return Accepted(a.Header, a.Status)
		}
		result := HTTPResult(a.Header, a.Status, a.Body)
		if result.Error != nil && mode == flow.WaitForCustomCallback {
			return Accepted(a.Header, a.Status) // the body does not count
		}
		return result
	},
	accepted: func(header map[string][]string) Result {
		return Accepted(header, statusAccepted)
	},
	body: Body,
}

// flowV1 is the dialect `type: flow`. A result is the response itself, which must be JSON.
var flowV1 = dialect{
	takesInput: true, inputAsText: true, choosesIDs: true, syncJobs: true, operations: true,
	typeFlow: true, recorded: "true",
	message: MessageParameters{Body: "MessageBody", Delay: "DelaySeconds", Priority: "Priority",
		Tag: "MessageTag", Attributes: "MessageAttributes"},
	unsupported: "UnsupportedOperation",
	// With a resourceArn, the error for a name that is taken is FnF.ExecutionAlreadyExists
	// (docs/flowv1.md#flows).
	ownError: func(resource, code string) string {
		if resource != "" && code == "ExecutionAlreadyExists" {
			return "FnF." + code
		}
		return "fnf." + code
	},
	ownDenied: true,
	started: func(flowName, execution, requestID string) map[string]any {
		return map[string]any{"FlowName": flowName, "Name": execution, "ExecutionName": execution,
			"RequestId": requestID}
	},
	function: func(mode flow.TaskMode, a Response) Result {
		if mode == flow.WaitForCustomCallback {
			return emptyObject() // the body does not count
		}
		output, err := JSONBody(contentTypeOf(a.Header), a.Body)
		return Result{Output: output, Error: err}
	},
	accepted:  func(map[string][]string) Result { return emptyObject() },
	body:      JSONBody,
	dropsBody: true,
}

// statusAccepted is the HTTP status Accepted.
const statusAccepted = 202

func emptyObject() Result { return Result{Output: json.RawMessage("{}")} }

// dialects are the dialects by their numbers; 0 is that of a request that does not say.
var dialects = [...]*dialect{
	0: &stateMachine, flow.FlowV1: &flowV1, flow.StateMachine: &stateMachine,
}

func (r *Request) dialect() *dialect {
	if int(r.Dialect) >= len(dialects) {
		return &stateMachine
	}
	return dialects[r.Dialect]
}

// TakesInput reports whether the task gets the input of its state.
func (r *Request) TakesInput() bool { return r.dialect().takesInput }

// InputAsText reports whether the input of a child execution may be the JSON text of an object.
func (r *Request) InputAsText() bool { return r.dialect().inputAsText }

// TypeFlow returns the member legacy in the requests of package actiontask (docs/functions.md).
func (r *Request) TypeFlow() bool { return r.dialect().typeFlow }

// OwnOperations reports whether the flow may call operations of the engine's own service besides
// StartExecution.
func (r *Request) OwnOperations() bool { return r.dialect().operations }

// MessageParameters returns the names of the parameters of MNS:SendMessage.
func (r *Request) MessageParameters() *MessageParameters { return &r.dialect().message }

// UnsupportedCode returns the error code of an action that nothing carries out.
func (r *Request) UnsupportedCode() string { return r.dialect().unsupported }

// OwnFailure returns the result of a task that the engine's own service, CloudFlow, has rejected
// with an error code.
func (r *Request) OwnFailure(code, cause string) Result {
	return Failed(NewError(r.dialect().ownError(r.Resource, code), cause))
}

// deniedName returns the name of the error AccessDenied.
func (r *Request) deniedName() string {
	if d := r.dialect(); d.ownDenied && strings.EqualFold(r.Product(), "fnf") {
		return d.ownError(r.Resource, accessDenied)
	}
	return r.ErrorName(accessDenied)
}

// StartedResult returns the result of an execution that was started.
func (r *Request) StartedResult(flowName, execution, requestID string) Result {
	return Result{Output: value.Encode(r.dialect().started(flowName, execution, requestID))}
}

// Response is the response of a function that did not fail.
type Response struct {
	Status int
	Header map[string][]string
	Body   []byte
	// EmptyIsNull: where the result has an envelope, an empty body is null in it, not a text.
	EmptyIsNull bool
}

// FunctionResult returns the result of a function that did not fail.
func (r *Request) FunctionResult(a Response) Result {
	result := r.dialect().function(r.Mode, a)
	result.Async = r.Mode == flow.WaitForSystemCallback
	return result
}

// DropsBody reports whether the body of a function's response is no part of the result, so that
// nobody decodes it.
func (r *Request) DropsBody() bool {
	return r.dialect().dropsBody && r.Mode == flow.WaitForCustomCallback
}

// AcceptedResult returns the result of an asynchronous invocation that the service has accepted.
func (r *Request) AcceptedResult(header map[string][]string) Result {
	return r.dialect().accepted(header)
}

// BodyResult returns the result of a response without an envelope: JSON as it is; a text as a JSON
// string in StateMachine, and the error FnF.InvalidLocal in FlowV1.
func (r *Request) BodyResult(contentType string, body []byte) Result {
	output, err := r.dialect().body(contentType, body)
	return Result{Output: output, Error: err}
}

// RecordedDialect is a dialect as invocation records have it in JSON: true is FlowV1, false is
// StateMachine.
type RecordedDialect flow.Dialect

// MarshalJSON implements json.Marshaler.
func (d RecordedDialect) MarshalJSON() ([]byte, error) {
	r := Request{Dialect: flow.Dialect(d)}
	return []byte(r.dialect().recorded), nil
}

// UnmarshalJSON implements json.Unmarshaler.
func (d *RecordedDialect) UnmarshalJSON(text []byte) error {
	for number := len(dialects) - 1; number > 0; number-- {
		if dialects[number].recorded == string(text) {
			*d = RecordedDialect(number)
			return nil
		}
	}
	return fmt.Errorf("%.20s is no dialect", text)
}
