// Package linear is a sequential model of the API's promises, and a check that concurrent requests,
// some of them without a response, fit an order that the model allows. The simulation and the tests
// of the live server share it.
package linear

import (
	"fmt"
	"sort"
	"strings"
	"time"

	"github.com/anishathalye/porcupine"

	"millrace/shared/fault"
)

// Operations of requests.
const (
	Start    = "start"
	Stop     = "stop"
	Describe = "describe"
	Report   = "report"
	Delete   = "delete"
	Redrive  = "redrive"
)

// Request is a request and its response.
type Request struct {
	Operation string
	Execution string // flow and execution
	Client    string // unique among clients that stop and report

	// Ends is the end of an execution whose only task this report ends: Succeeded or Failed. If it
	// is "", nothing is known about the task, nor what else may end the execution. Either all
	// reports on an execution have it, or none.
	Ends string

	Call int64 // when it was sent; 0: it never reached a server
	// when its response came; 0: none did, so it may happen at any time from Call on, or never
	Return int64

	Code   fault.Code // of the response; "" if the request succeeded
	Status string     // of an execution, in the response
	By     string     // who ended it, according to the response; "": not known
}

// deleted is the status of an execution that has been deleted: its name is taken all the same.
const deleted = "deleted"

// execution is an execution in the sequential model.
type execution struct {
	// "", Running, Ended (no client has seen how), or the last one; deleted: none, but the name is
	// taken
	status string
	by     string // who stopped it, or whose report was accepted
	ends   string // the end that this report causes
}

// mayEnd returns the execution after an end of its own, and whether that is possible. An execution
// that waits for a report cannot end by itself.
func (x execution) mayEnd(asks bool) (execution, bool) {
	switch {
	case x.status != "Running":
		return x, false
	case !asks:
		return execution{status: "Ended", by: x.by}, true
	case x.by == "":
		return x, false
	}
	return execution{status: x.ends, by: x.by}, true
}

// model returns the model of one execution. asks: only a report or a stop ends it.
func model(asks bool) porcupine.Model {
	m := porcupine.NondeterministicModel{
		Init: func() []any { return []any{execution{}} },
		Step: func(state, input, _ any) []any {
			x := state.(execution)
			from := []execution{x}
			if ended, ok := x.mayEnd(asks); ok {
				from = append(from, ended)
			}
			var to []any
			for _, x := range from {
				for _, next := range x.outcomes(input.(*Request)) {
					to = append(to, next)
				}
			}
			return to
		},
		DescribeOperation: func(input, _ any) string { return input.(*Request).String() },
	}
	return m.ToModel()
}

// String returns the request and its response.
func (r *Request) String() string {
	response := strings.TrimSpace(strings.Join([]string{string(r.Code), r.Status, r.By}, " "))
	switch {
	case r.Return == 0:
		response = "no answer"
	case response == "":
		response = "done"
	}
	return fmt.Sprintf("%s by %s: %s", r.Operation, r.Client, response)
}

// outcomes returns the possible states after a request; none if the response is impossible.
func (x execution) outcomes(r *Request) []execution {
	if r.Return == 0 {
		return x.outcomesUnknown(r)
	}
	running, missing := x.status == "Running", x.status == "" || x.status == deleted
	ended := !missing && !running
	possible := false
	switch r.Operation {
	case Start:
		switch {
		case r.Code == "" && x.status == "":
			return []execution{{status: "Running"}}
		case r.Code == "":
			possible = running
		default:
			possible = ended || x.status == deleted
		}
	case Stop:
		switch r.Code {
		case "":
			if running {
				return []execution{{status: "Stopped", by: r.Client}}
			}
		case fault.ExecutionNotExists:
			possible = missing
		default:
			possible = ended
		}
	case Delete:
		switch {
		case r.Code == fault.ExecutionNotExists:
			possible = missing
		case r.Code != "":
			possible = running
		case ended || x.status == deleted: // a repeat may finish an earlier one
			return []execution{{status: deleted}}
		}
	case Redrive:
		return x.redriven(r)
	case Describe:
		return x.described(r)
	case Report:
		switch {
		case r.Ends == "":
			possible = r.Code != "" || running
		case r.Code != "":
			possible = ended || x.by != ""
		case running && x.by == "":
			return []execution{{status: "Running", by: r.Client, ends: r.Ends}}
		}
	}
	if possible {
		return []execution{x}
	}
	return nil
}

// outcomesUnknown returns the possible states after a request without a response.
func (x execution) outcomesUnknown(r *Request) []execution {
	running := x.status == "Running"
	switch {
	case r.Operation == Start && x.status == "":
		return []execution{x, {status: "Running"}}
	case r.Operation == Stop && running:
		return []execution{x, {status: "Stopped", by: r.Client}}
	case r.Operation == Delete && !running && x.status != "":
		return []execution{x, {status: deleted}}
	case r.Operation == Redrive && x.mayGoOn():
		return []execution{x, {status: "Running"}}
	case r.Operation == Report && r.Ends != "" && running && x.by == "":
		return []execution{x, {status: "Running", by: r.Client, ends: r.Ends}}
	}
	return []execution{x}
}

// mayGoOn reports whether a redrive may begin another life of the execution.
func (x execution) mayGoOn() bool {
	return x.status != "" && x.status != deleted && x.status != "Running" && x.status != "Succeeded"
}

// redriven returns the possible states after a redrive with a response. It is accepted again if it
// has been made before: then the response shows the execution as it is.
func (x execution) redriven(r *Request) []execution {
	switch {
	case r.Code == fault.ExecutionNotExists:
		if x.status == "" || x.status == deleted {
			return []execution{x}
		}
	case r.Code != "": // for one of many reasons
		if x.status != "" && x.status != deleted {
			return []execution{x}
		}
	default:
		to := x.described(&Request{Operation: Describe, Status: r.Status})
		if x.mayGoOn() {
			to = append(to, execution{status: r.Status}) // it may have ended again
		}
		return to
	}
	return nil
}

func (x execution) described(r *Request) []execution {
	switch {
	case r.Code == fault.ExecutionNotExists:
		if x.status != "" && x.status != deleted {
			return nil
		}
	case x.status == deleted:
		return nil
	case x.status == "Ended" && r.Status != "Running" && r.Status != "Stopped":
		return []execution{{status: r.Status}}
	case x.status != r.Status || r.By != "" && r.By != x.by:
		return nil
	}
	return []execution{x}
}

// Result is the result of Check.
type Result struct {
	Violation string // what is wrong; "" if nothing
	Checked   int    // executions
	Requests  int    // on these
	Undecided int    // executions whose check took too long
}

// Check checks the requests on each execution that a client has started: for others the time of the
// start is unknown. last is later than every response; limit limits the search for one execution.
func Check(all []*Request, last int64, limit time.Duration) (v Result) {
	histories := map[string][]porcupine.Operation{}
	started, asks := map[string]bool{}, map[string]bool{}
	for _, r := range all {
		if r.Call == 0 {
			continue
		}
		end := r.Return
		if end == 0 {
			end = last + 1
		}
		histories[r.Execution] = append(histories[r.Execution],
			porcupine.Operation{ClientId: len(histories[r.Execution]), Input: r, Call: r.Call,
				Output: r, Return: end})
		started[r.Execution] = started[r.Execution] || r.Operation == Start
		asks[r.Execution] = asks[r.Execution] || r.Ends != ""
	}
	names := make([]string, 0, len(histories))
	for on := range histories {
		if started[on] {
			names = append(names, on)
		}
	}
	sort.Strings(names)
	for _, on := range names {
		v.Checked++
		v.Requests += len(histories[on])
		switch porcupine.CheckOperationsTimeout(model(asks[on]), histories[on], limit) {
		case porcupine.Unknown:
			v.Undecided++
		case porcupine.Illegal:
			v.Violation = told(on, histories[on])
			return v
		}
	}
	return v
}

func told(on string, history []porcupine.Operation) string {
	sort.SliceStable(history, func(i, j int) bool { return history[i].Call < history[j].Call })
	lines := []string{fmt.Sprintf("the answers about %s fit no order:", on)}
	for _, o := range history {
		lines = append(lines, fmt.Sprintf("  %d to %d: %s", o.Call, o.Return, o.Input.(*Request)))
	}
	return strings.Join(lines, "\n")
}
