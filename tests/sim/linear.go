package sim

import (
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/tests/reference/linear"
)

// clientOp is a request and its response. judgeLinear checks that the requests look as if each had
// happened at one moment between its sending and its response.
type clientOp struct {
	op        string // start, stop, describe or report
	execution string // flow and execution
	client    string

	call int64 // step at which it reached a process; 0: never
	// step at which the response left; 0: none did, so it may happen at any time, or never
	returned int64
	code     fault.Code
	status   string // of an execution, according to the response
}

// complete records a response.
func (s *clientOp) complete(step int, value any, err error) {
	code := codeOf(err)
	if retried(code, err) {
		return // the outcome is unknown
	}
	if code == fault.EntityTooLarge {
		s.call = 0 // proves nothing about the execution
		return
	}
	s.returned, s.code = int64(step), code
	if x, ok := value.(*cloudflow.Execution); ok && x != nil && err == nil {
		s.status = x.Status
	}
}

// linearMax limits the search in one history.
const linearMax = 300 * time.Millisecond

// judgeLinear checks the requests on each execution.
func judgeLinear(all []*clientOp, last int) linear.Result {
	requests := make([]*linear.Request, len(all))
	for i, s := range all {
		requests[i] = &linear.Request{Operation: s.op, Execution: s.execution, Client: s.client,
			Call: s.call, Return: s.returned, Code: s.code, Status: s.status}
	}
	return linear.Check(requests, int64(last), linearMax)
}
