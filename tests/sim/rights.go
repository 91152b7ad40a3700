package sim

import (
	"context"
	"fmt"
	"math"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"millrace/shared/access"
	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/task/subflowtask"
)

// rights are the rights of flows of a third account. They change while the flows run: keys are
// revoked, expire and lose policies, roles are removed. An operation without the right at that
// moment must be refused with AccessDenied and never carried out; with the right it must not be
// refused.
type rights struct {
	register atomic.Pointer[access.Registry] // in the engine's form

	mu     sync.Mutex
	spans  []span          // in the simulation's form: one after the other
	passed map[string]bool // starts by key: true if the flow had the right to them
}

// span is a period with certain rights.
type span struct {
	from, until int64             // ms since 1970
	may         map[string]string // operations by actor: "" none, "*" all
}

// guarded is the account whose flows are limited by rights.
const guarded = "5555555555555555"

// The flows of the account act with the rights of a key or of a role.
const (
	guardKey  = "k1"
	guardRole = "starter"
)

func (w *World) drawRights() {
	if !w.has("rights") {
		return
	}
	w.rights = &rights{passed: map[string]bool{}}
	w.rights.change(map[string]string{guardKey: "*", guardRole: "*"}, 0)
}

// of returns the rights for the engine: the other accounts may do everything.
func (g *rights) of(account, role, author string) (access.May, error) {
	if account != guarded {
		return nil, nil
	}
	return g.register.Load().RightsOf(account, role, author, "local", time.Now())
}

// change sets the rights. If ends is not 0, keys expire after it.
func (g *rights) change(may map[string]string, ends time.Duration) {
	now := time.Now()
	a := access.Account{ID: guarded}
	for who, operations := range may {
		policies := []access.Policy{}
		switch operations {
		case "*":
		case "none":
			policies = append(policies, policy("fnf:DescribeExecution"))
		default:
			policies = append(policies, policy(operations))
		}
		if who == guardRole {
			a.Roles = append(a.Roles, access.Role{Name: who, Policies: policies})
			continue
		}
		k := access.Key{ID: who, Policies: policies}
		if ends > 0 {
			k.Expires = now.Add(ends)
		}
		a.Keys = append(a.Keys, k)
	}
	register, err := access.NewRegistry([]access.Account{a})
	if err != nil {
		panic(err)
	}
	g.register.Store(register)
	g.mu.Lock()
	defer g.mu.Unlock()
	if n := len(g.spans); n > 0 {
		for i := range g.spans {
			g.spans[i].until = min(g.spans[i].until, now.UnixMilli())
		}
	}
	s := span{from: now.UnixMilli(), until: math.MaxInt64, may: may}
	if ends > 0 {
		s.until = now.Add(ends).UnixMilli()
		g.spans = append(g.spans, s, span{from: s.until, until: math.MaxInt64,
			may: map[string]string{guardRole: may[guardRole]}})
		return
	}
	g.spans = append(g.spans, s)
}

func policy(operation string) access.Policy {
	return access.Policy{
		Statements: []access.Statement{{Effect: "Allow", Actions: []string{operation},
			Resources: []string{"acs:fnf:local:" + guarded + ":*"}}}}
}

// allowed reports whether an actor had a right at some moment between two times, and whether it had
// the right at every moment between them, ms since 1970.
func (g *rights) allowed(who, operation string, from, until int64) (ever, always bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	always = true
	for _, s := range g.spans {
		if s.from > until || s.until < from {
			continue
		}
		if may := s.may[who]; may == "*" || may == operation {
			ever = true
		} else {
			always = false
		}
	}
	return ever, always
}

// principal returns the actor of an execution of the account.
func principal(role string) string {
	if role != "" {
		return guardRole
	}
	return guardKey
}

// entered records whether the flow of a task had the right to the start that it is about to make.
func (g *rights) entered(
	caller subflowtask.Caller, c *flow.Child, refused bool,
) (wrong string) {
	who := guardKey
	if strings.HasPrefix(caller.FlowPrincipal, "role ") {
		who = guardRole
	}
	now := time.Now().UnixMilli()
	ever, always := g.allowed(who, "fnf:StartExecution", now, now)
	g.mu.Lock()
	defer g.mu.Unlock()
	g.passed[c.Key] = g.passed[c.Key] || ever
	switch {
	case refused && always:
		return "is refused, which it may"
	case !refused && !ever:
		return "may, and has no right to"
	}
	return ""
}

// authorize checks the right to start an execution in the same way as the engine's own wiring.
func (w *World) authorize(caller subflowtask.Caller, c *flow.Child) error {
	by := cloudflow.Caller{Account: caller.Account, Region: "local", May: caller.May,
		FlowPrincipal: caller.FlowPrincipal}
	err := by.Authorize("fnf:StartExecution", c.FlowName)
	if w.rights == nil || caller.Account != guarded {
		return err
	}
	if err != nil {
		w.fact("start that was refused")
	}
	w.checked("rights")
	if wrong := w.rights.entered(caller, c, err != nil); wrong != "" {
		w.violate("rights", "task %s starts %s, which %s it %s: %v", c.Key, c.FlowName,
			caller.FlowPrincipal, wrong, err)
	}
	return err
}

// fact counts an occurrence. Any goroutine may call it.
func (w *World) fact(kind string) {
	w.sched.post(&operation{key: "note " + kind,
		apply: func() bool { w.kinds[kind]++; return true }})
}

// slow is a child that is often stopped before it ends.
const slow = "Type: StateMachine\nSpecVersion: v1\nName: slow\nStartAt: A\nStates:\n" +
	"- {Name: A, Type: Wait, Seconds: 200, End: true}\n"

// acts returns a flow that starts one child after the other, and waits for reports in between.
func acts(name string, seed uint64) string {
	text := "Type: StateMachine\nSpecVersion: v1\nName: " + name + "\nStartAt: T0\nStates:\n"
	steps := 3 + int(seed%3)
	for i := range steps {
		mode, child := "WaitForSystemCallback", []string{"child", "slow"}[seed>>(2*i+5)%2]
		if seed>>(2*i+6)%4 == 0 {
			mode = "RequestComplete"
		}
		next := fmt.Sprintf("W%d", i)
		text += fmt.Sprintf(
			"- {Name: T%d, Type: Task, Action: 'FNF:StartExecution', TaskMode: %s, Timeout: %d, "+
				"Parameters: {resourceArn: 'acs:fnf:::flow/%s'}, "+
				"Catch: [{Errors: [FnF.ALL], Next: %s}], Next: %[5]s}\n", i, mode, 5+seed>>i%25,
			child, next)
		wait := fmt.Sprintf("- {Name: %s, Type: Wait, Seconds: %d, ", next, 1+seed>>(i+3)%20)
		if i == steps-1 {
			text += wait + "End: true}\n"
			continue
		}
		text += wait +
			fmt.Sprintf(
				"Next: R%d}\n- {Name: R%[1]d, Type: Task, Action: 'FC:InvokeFunction', TaskMode: "+
					"WaitForCustomCallback, Timeout: 15, "+
					"Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}, "+
					"Catch: "+
					"[{Errors: [FnF.ALL], Next: T%d}], Next: T%[2]d}\n", i, i+1)
	}
	return text
}

// guard starts the account whose rights change: its flows, executions of them, and the
// administrator.
func (c *clients) guard() {
	flows := []definition{{name: "acts0", author: guardKey},
		{name: "acts1", author: guardKey, role: access.RoleARN(guarded, guardRole)},
		{name: "child", text: children[c.w.number("child of a guarded flow")%uint64(len(children))],
			author: guardKey}, {name: "slow", text: slow, author: guardKey}}
	for i := range flows {
		f := &flows[i]
		f.of, f.input = guarded, "{}"
		if f.text == "" {
			f.text = acts(f.name, c.w.number("what "+f.name+" does"))
		}
	}
	c.spawn(func() {
		for _, f := range flows {
			if !c.create(f) {
				return
			}
		}
		c.spawn(c.administer)
		for _, f := range flows[:2] {
			x := &launch{flow: f, name: "g0"}
			c.start(x, "start guarded "+f.name)
			c.spawn(func() { c.watcher(x, "watch guarded "+f.name) })
			if c.w.number("stop "+f.name)%2 == 0 {
				c.spawn(func() { c.stopper(x, "stop guarded "+f.name) })
			}
		}
	})
}

// administer changes the rights for some time, and finally grants all of them.
func (c *clients) administer() {
	r := c.rand("administrator")
	some := []string{"", "none", "*", "*", "fnf:StartExecution", "fnf:StopExecution",
		"fnf:ReportTask*"}
	for i := range 4 + r.IntN(8) {
		if !c.sleep(time.Duration(r.IntN(30_000)) * time.Millisecond) {
			return
		}
		may := map[string]string{}
		for _, who := range []string{guardKey, guardRole} {
			if p := some[r.IntN(len(some))]; p != "" {
				may[who] = p
			}
		}
		ends := time.Duration(r.IntN(2)*r.IntN(20)) * time.Second
		c.note(fmt.Sprintf("rights %d are %v for %v", i, may, ends), func() {
			c.w.tracef("rights are %v for %v", may, ends)
			c.w.rights.change(may, ends)
		})
	}
	c.note("rights are given back",
		func() { c.w.rights.change(map[string]string{guardKey: "*", guardRole: "*"}, 0) })
}

// handOver reports a task of the account by the end of an execution that a key starts. That must
// work only as long as the key has the right to report.
func (k *tasks) handOver(who, token string, after time.Duration) {
	w := k.w
	name := fmt.Sprintf("h%x", w.number(who))
	w.clients.sleep(after)
	for range w.attemptsMax() {
		_, err := request(w, nil, who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return s.StartExecution(ctx, cloudflow.Caller{Account: guarded, Identity: guardKey},
					cloudflow.StartExecutionRequest{FlowName: "child", ExecutionName: name,
						CallbackToken: token})
			})
		code := codeOf(err)
		if !retried(code, err) {
			if code != "" && code != fault.ExecutionAlreadyExists {
				w.violate("start response", "%s got %s", who, code)
			}
			return
		}
		if !w.clients.sleep(time.Duration(w.number(who)%8000) * time.Millisecond) {
			return
		}
	}
}
