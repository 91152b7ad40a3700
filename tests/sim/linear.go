package sim

import (
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/tests/linear"
)

// spoken is a request and its answer, for the check that all of them look as if each had happened at one moment between
// its sending and its answer.
type spoken struct {
	what string // start, stop, describe or report
	on   string // flow and execution
	who  string

	call   int64 // step at which it reached a process; 0: it never did
	answer int64 // step at which the answer left; 0: none did, so it may happen at any time, or never
	code   fault.Code
	status string // of an execution, as answered
}

// answered notes an answer.
func (s *spoken) answered(step int, value any, err error) {
	code := codeOf(err)
	if retried(code, err) {
		return // nothing is known
	}
	if code == fault.EntityTooLarge {
		s.call = 0 // says nothing about the execution
		return
	}
	s.answer, s.code = int64(step), code
	if x, ok := value.(*cloudflow.Execution); ok && x != nil && err == nil {
		s.status = x.Status
	}
}

// linearMax bounds the search in one history.
const linearMax = 300 * time.Millisecond

// judgeLinear checks the requests on each execution.
func judgeLinear(all []*spoken, last int) linear.Verdict {
	requests := make([]*linear.Request, len(all))
	for i, s := range all {
		requests[i] = &linear.Request{What: s.what, On: s.on, Who: s.who, Call: s.call, Answer: s.answer, Code: s.code, Status: s.status}
	}
	return linear.Judge(requests, int64(last), linearMax)
}
