package lint

import (
	"strings"

	"millrace/shared/flow"
)

// engineErrors are the errors that the engine itself raises, and the name that matches all.
var engineErrors = []string{
	flow.ErrorAll, flow.ErrTaskTimeout, flow.ErrFail, flow.ErrExpression, flow.ErrDataLimit,
	flow.ErrEventLimit, flow.ErrExecutionTimedOut, flow.ErrExecutionStopped,
	flow.ErrExecutionFailed, flow.ErrInvalidLocal, flow.ErrRuntime, flow.ErrMapRunNotSupported,
	flow.ErrMapRunFailed, flow.ErrItemReader, flow.ErrResultWriter,
	"FnF.AccessDenied", "FnF.InternalError", "FnF.StateAborted",
}

// serviceErrors are error codes by the product that returns them. Services add codes, so the lists
// serve for suggestions only.
var serviceErrors = map[string][]string{
	"FC":     functionErrors,
	"Lambda": functionErrors,
	"HTTP":   {"RequestFailed", "ActionNotSupported"},
	"MNS": {"QueueNotExist", "TopicNotExist", "AccessDenied", "InvalidArgument",
		"MessageBodyTooLarge"},
	"OSS": {"NoSuchKey", "NoSuchBucket", "AccessDenied", "InvalidArgument", "InternalError"},
}

var functionErrors = []string{
	"AccessDenied", "AliasNotFound", "ClientClosedRequest", "ConcurrentUpdateError",
	"DomainNameNotFound", "EntityTooLarge", "FunctionNotFound", "InternalServerError",
	"InvalidAccessKeyID", "InvalidArgument", "LimitExceededError", "MissingRequiredHeader",
	"PathNotSupported", "ResourceExhausted", "ResourceThrottled", "ServiceNotFound",
	"SignatureNotMatch", "Unknown", "VersionNotFound",
}

// flowErrors are error codes of CloudFlow's own API.
var flowErrors = []string{
	"AccessDenied", "ActionNotSupported", "ExecutionAlreadyCompleted", "ExecutionAlreadyExists",
	"ExecutionNotExists", "FlowNotExists", "InvalidArgument", "ResourceThrottled",
	"TaskAlreadyCompleted", "UnsupportedOperation",
}

// errorHints are names that people expect, with what to do instead.
var errorHints = map[string]string{
	"*": matchesAll, "ALL": matchesAll, "All": matchesAll, "all": matchesAll, "FnF": matchesAll,
	"FnF.*": matchesAll, "States.ALL": matchesAll, "States.TaskFailed": matchesAll,
	"States.Timeout": "write " + flow.ErrTaskTimeout,
	"FnF.Timeout":    "write " + flow.ErrTaskTimeout,
	"FnF.TimedOut":   "write " + flow.ErrTaskTimeout,
}

const matchesAll = flow.ErrorAll + " matches every error"

// errorNames warns of names that no error has. A name without the prefix of a product is a name
// that functions, reports and Fail states choose.
func (l *Linter) errorNames(m *flow.Machine) {
	if len(l.errors) == 0 {
		return
	}
	chosen := chosenErrors(m)
	for _, at := range l.errors {
		name := at.node.Text
		if _, ok := chosen[name]; ok {
			continue
		}
		if hint, ok := errorHints[name]; ok {
			l.warn(at, hint, "%s matches no error", name)
			continue
		}
		product, code, _ := strings.Cut(name, ".")
		switch {
		case product == "States":
			l.warn(at, "the Amazon States Language has this name; here "+matchesAll,
				"%s matches no error", name)
		case code == "*":
			l.warn(at, matchesAll+"; no other name stands for several", "%s matches no error", name)
		case strings.EqualFold(product, "FnF"):
			l.engineError(at, name)
		default:
			l.serviceError(at, name, product, code)
		}
	}
}

// chosenErrors returns the names that the Fail states of the machine raise.
func chosenErrors(m *flow.Machine) map[string]struct{} {
	chosen := make(map[string]struct{})
	for _, st := range m.Nodes {
		if st.Fail == nil || st.Fail.Code == nil {
			continue
		}
		if v, ok := st.Fail.Code.ConstantValue(); ok {
			if name, ok := v.(string); ok {
				chosen[name] = struct{}{}
			}
		}
	}
	return chosen
}

// engineError checks a name of the engine, or of CloudFlow's own API, which differ in case.
func (l *Linter) engineError(at place, name string) {
	known := append([]string(nil), engineErrors...)
	for _, code := range flowErrors {
		known = append(known, l.words.flowErrors+"."+code)
	}
	if l.words.flowErrors == "fnf" { // a task with the resourceArn of a flow has this spelling
		known = append(known, "FnF.ExecutionAlreadyExists")
	}
	if contains(known, name) {
		return
	}
	near := l.report.SuggestNearest(name, known, 3)
	switch {
	case near != "":
		l.warn(at, "did you mean '"+near+"'?", "there is no error %s", name)
	case strings.HasPrefix(name, "FnF."):
		l.warn(at, matchesAll+"; a name of your own begins with another word",
			"there is no error %s", name)
	}
}

// serviceError checks the name of an error of a service.
func (l *Linter) serviceError(at place, name, product, code string) {
	for known, codes := range serviceErrors {
		if !strings.EqualFold(known, product) || known == product && contains(codes, code) {
			continue
		}
		if known != product && contains(codes, code) {
			l.warn(at, "did you mean '"+known+"."+code+"'?", "%s is no known error", name)
		} else if near := l.report.SuggestNearest(code, codes, 2); near != "" {
			l.warn(at, "did you mean '"+known+"."+near+"'?", "%s is no known error", name)
		}
	}
}

func contains(list []string, s string) bool {
	for _, e := range list {
		if e == s {
			return true
		}
	}
	return false
}
