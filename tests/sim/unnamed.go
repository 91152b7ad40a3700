package sim

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
)

// unnamed holds the names of executions that were started without one, by request. A signed request
// that any client repeats, however often, is the same start and finds its execution, ended or not
// (docs/protocol.md#start). Every other request is another start.
type unnamed struct {
	names map[string]string // by request
	by    map[string]string // request, by name
}

// startUnnamed starts clients that start executions without a name, and clients that repeat other
// clients' requests: the same requests, and starts of the same names with another input.
func (c *clients) startUnnamed() {
	r := c.rand("unnamed")
	u := &unnamed{names: map[string]string{}, by: map[string]string{}}
	f := c.flows[0]
	for i := range 1 + r.IntN(2) {
		by := cloudflow.Caller{Account: account}
		if r.IntN(4) > 0 {
			by.AccessKey, by.Nonce, by.Timestamp = "ak", fmt.Sprintf("n%d", i),
				"2024-01-01T00:00:00Z"
		}
		for k := range 1 + r.IntN(3) {
			who := fmt.Sprintf("unnamed %d.%d", i, k)
			if by.Nonce != "" && r.IntN(4) == 0 {
				by.AccessKey += "x" // the same nonce of another key is another request
			}
			caller, later := by, time.Duration(k*r.IntN(40_000))*time.Millisecond
			c.spawn(func() { c.sleep(later); u.start(c, f, caller, who) })
		}
	}
	for i := range 1 + r.IntN(3) {
		x := &launch{flow: f, name: fmt.Sprintf("x%d", r.IntN(2))}
		x.flow.input = fmt.Sprintf(`{"another":%d}`, i)
		c.spawn(func() { c.starter(x, fmt.Sprintf("start %s with another input %d", x.name, i)) })
	}
}

// start starts an execution without a name. It repeats the request until the start is known to have
// succeeded.
func (u *unnamed) start(c *clients, f definition, by cloudflow.Caller, who string) {
	asked := by.AccessKey + " " + by.Nonce
	for i := range c.w.attemptsMax() {
		got, err := request(c.w, nil, who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.StartExecution(ctx, by, cloudflow.StartExecutionRequest{FlowName: f.name,
					Input: f.input})
			})
		if code := codeOf(err); !retried(code, err) {
			if by.Nonce == "" {
				asked = fmt.Sprintf("%s %d", who, i)
			}
			c.note(who+" is told", func() { u.judge(c, f, who, asked, got, code) })
			return
		}
		if !c.sleep(time.Duration(c.w.number(who)%8000) * time.Millisecond) {
			return
		}
	}
}

func (u *unnamed) judge(c *clients, f definition, who, asked string, got *cloudflow.Execution,
	code fault.Code) {
	w := c.w
	if m, err := compileOnce(f.text, flow.Standard); err == nil && code == fault.EntityTooLarge &&
		w.refuses(f.input, m.Dialect) {
		return
	}
	w.checked("same request")
	if code != "" {
		w.violate("same request", "%s got %s", who, code)
		return
	}
	w.kinds["started without a name"]++
	run := w.runOf(f.name, got.Name)
	switch {
	case run == nil && w.isGone(account, f.name, got.Name) && got.Input == f.input:
		// deleted since, or its start is repeated
	case run == nil:
		w.violate("same request", "%s got %s, and there is no such execution", who, got.Name)
	case got.Input != w.inputOf(run) || got.Input != f.input || got.Status != "Running":
		w.violate("same request", "%s got %+v", who, got)
	case u.names[asked] != "" && u.names[asked] != got.Name:
		w.violate("same request", "%s has asked for what was started as %s, and gets %s", who,
			u.names[asked], got.Name)
	case u.by[got.Name] != "" && u.by[got.Name] != asked:
		w.violate("same request", "%s gets %s, which was started for %s", who, got.Name,
			u.by[got.Name])
	}
	u.names[asked], u.by[got.Name] = got.Name, asked
}
