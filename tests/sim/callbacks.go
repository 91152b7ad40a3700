package sim

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/interp"
)

// viaCallback reports whether a reporter leaves its report to an execution. In some runs a reporter
// passes the token of its task to StartExecution, and the end of the execution that it starts is
// the report.
func (w *World) viaCallback(of, who string) bool {
	return w.usesCallbacks() && of == account && w.number("delegates "+who)%2 == 0
}

// usesCallbacks reports whether this is such a run.
func (w *World) usesCallbacks() bool { return w.seed%11 == 10 && w.mocked == nil }

// reportByCallback starts an execution that ends a task. It repeats the request until the start is
// known to have succeeded.
func (k *tasks) reportByCallback(who, token string, after time.Duration) {
	w := k.w
	c := w.clients
	parsed, _ := interp.ParseToken(token)
	x := &launch{flow: definition{name: "child"}, name: fmt.Sprintf("d%x", w.number(who))}
	c.sleep(after)
	for range w.attemptsMax() {
		_, err := request(w, nil, who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.StartExecution(ctx, cloudflow.Caller{Account: account},
					cloudflow.StartExecutionRequest{FlowName: x.flow.name, ExecutionName: x.name,
						CallbackToken: token})
			})
		code := codeOf(err)
		if retried(code, err) {
			if !c.sleep(time.Duration(w.number(who)%8000) * time.Millisecond) {
				return
			}
			continue
		}
		c.note(who+" is told", func() {
			run := w.nameHolder(account, x.flow.name, x.name)
			switch {
			case run == nil:
				w.violate("start response", "%s got %s, and there is no such execution", who,
					code)
			case code == fault.ExecutionAlreadyExists && !run.x.Status.Final() && run.x.Redrive == 0 ||
				code != "" && code != fault.ExecutionAlreadyExists:
				w.violate("start response", "%s got %s while it is %v", who, code, run.x.Status)
			default:
				w.kinds["ends a task by its callback token"]++
				if to := w.runOf(parsed.Flow, parsed.Execution); to != nil {
					k.callbackRuns[run.x.Run] = to.x.Run
				}
			}
		})
		return
	}
}

// callbackTarget returns the execution whose task is ended by the end of another one; nil if it has
// expired or its name belongs to another execution.
func (w *World) callbackTarget(r *run) (to *run, token interp.Token) {
	token, ok := interp.ParseToken(r.x.Callback)
	if !ok {
		return nil, token
	}
	to = w.runIn(r.x.Account, token.Flow, token.Execution)
	switch {
	case to == nil:
		return nil, token
	case w.tasks.callbackRuns[r.x.Run] == to.x.Run:
		return to, token
	case !startedBy(r, to):
		return nil, token
	}
	return to, token
}
