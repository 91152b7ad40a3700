package sim

import (
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/tests/linear"
)

// clientOp is a request and its answer, for the check that all of them look as if each had happened at one moment between
// its sending and its answer.
type clientOp struct {
	op        string // start, stop, describe or report
	execution string // flow and execution
	client    string

	call     int64 // step at which it reached a process; 0: it never did
	returned int64 // step at which the answer left; 0: none did, so it may happen at any time, or never
	code     fault.Code
	status   string // of an execution, as answered
}

// complete notes an answer.
func (s *clientOp) complete(step int, value any, err error) {
	code := codeOf(err)
	if retried(code, err) {
		return // nothing is known
	}
	if code == fault.EntityTooLarge {
		s.call = 0 // says nothing about the execution
		return
	}
	s.returned, s.code = int64(step), code
	if x, ok := value.(*cloudflow.Execution); ok && x != nil && err == nil {
		s.status = x.Status
	}
}

// linearMax bounds the search in one history.
const linearMax = 300 * time.Millisecond

// judgeLinear checks the requests on each execution.
func judgeLinear(all []*clientOp, last int) linear.Result {
	requests := make([]*linear.Request, len(all))
	for i, s := range all {
		requests[i] = &linear.Request{Operation: s.op, Execution: s.execution, Client: s.client, Call: s.call, Return: s.returned, Code: s.code, Status: s.status}
	}
	return linear.Check(requests, int64(last), linearMax)
}
