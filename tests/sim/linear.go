package sim

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
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
	s.answer, s.code = int64(step), code
	if x, ok := value.(*cloudflow.Execution); ok && x != nil && err == nil {
		s.status = x.Status
	}
}

// standing is an execution in the sequential model.
type standing struct {
	status  string // "", Running, Ended (nobody has seen how), or the last one
	stopper string // who has stopped it
}

// model is what the API promises, one request after the other. A running execution may end by itself at any time.
var model = porcupine.NondeterministicModel{
	Init: func() []any { return []any{standing{}} },
	Step: func(state, input, output any) []any {
		from := []standing{state.(standing)}
		if from[0].status == "Running" {
			from = append(from, standing{status: "Ended"})
		}
		var to []any
		for _, s := range from {
			for _, next := range s.after(input.(*spoken)) {
				to = append(to, next)
			}
		}
		return to
	},
	DescribeOperation: func(input, output any) string {
		s := input.(*spoken)
		return fmt.Sprintf("%s by %s: %s %s", s.what, s.who, s.code, s.status)
	},
}

// after gives what may follow from a request in a state; nothing when the answer cannot be.
func (s standing) after(r *spoken) []standing {
	running := s.status == "Running"
	ended := s.status != "" && !running
	if r.answer == 0 {
		switch {
		case r.what == "start" && s.status == "":
			return []standing{s, {status: "Running"}}
		case r.what == "stop" && running:
			return []standing{s, {"Stopped", r.who}}
		}
		return []standing{s}
	}
	possible := false
	switch r.what {
	case "start":
		switch {
		case r.code == "" && s.status == "":
			return []standing{{status: "Running"}}
		case r.code == "":
			possible = running
		default:
			possible = ended
		}
	case "stop":
		switch r.code {
		case "":
			if running {
				return []standing{{"Stopped", r.who}}
			}
		case fault.ExecutionNotExists:
			possible = s.status == ""
		default:
			possible = ended
		}
	case "describe":
		switch {
		case r.code == fault.ExecutionNotExists:
			possible = s.status == ""
		case s.status == "Ended" && r.status != "Running" && r.status != "Stopped":
			return []standing{{status: r.status}}
		default:
			possible = s.status == r.status
		}
	case "report":
		possible = r.code != "" || running
	}
	if possible {
		return []standing{s}
	}
	return nil
}

func startedOutside(history []porcupine.Operation) bool {
	for _, o := range history {
		if o.Input.(*spoken).what == "start" {
			return true
		}
	}
	return false
}

// linearMax bounds the search in one history.
const linearMax = 300 * time.Millisecond

// judgeLinear checks the requests on each execution. It gives what is wrong; "" for nothing.
func judgeLinear(all []*spoken, last int) string {
	histories := map[string][]porcupine.Operation{}
	for _, s := range all {
		if s.call == 0 {
			continue
		}
		end := s.answer
		if end == 0 {
			end = int64(last) + 1
		}
		histories[s.on] = append(histories[s.on], porcupine.Operation{ClientId: len(histories[s.on]), Input: s, Call: s.call, Output: s, Return: end})
	}
	names := make([]string, 0, len(histories))
	for on := range histories {
		names = append(names, on)
	}
	sort.Strings(names)
	m := model.ToModel()
	for _, on := range names {
		if !startedOutside(histories[on]) {
			continue // by a task: nobody has seen when
		}
		if porcupine.CheckOperationsTimeout(m, histories[on], linearMax) != porcupine.Illegal {
			continue
		}
		var lines []string
		for _, o := range histories[on] {
			lines = append(lines, fmt.Sprintf("  %d to %d: %s", o.Call, o.Return, m.DescribeOperation(o.Input, o.Output)))
		}
		return fmt.Sprintf("the answers about %s fit no order:\n%s", on, strings.Join(lines, "\n"))
	}
	return ""
}
