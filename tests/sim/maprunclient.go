package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/tests/support/flowgen"
)

// withMapRuns are runs with flows whose Maps are distributed, with Standard and with Express
// children, and with a client for each flow that changes their MapRuns while they run. No other
// client changes them. "MapRun update": an update that is accepted is in the row and in every
// description from then on; one that is rejected comes after the end of the MapRun.
const withMapRuns = "MapRuns"

// distributors starts the clients.
func (c *clients) distributors() {
	c.spawn(func() {
		for i := range 2 {
			f := definition{name: fmt.Sprintf("spread%d", i), mode: flow.Standard}
			f.text, f.input = c.w.distributedFlow(f.name)
			if !c.create(f) {
				return
			}
			for n := range 1 + i {
				x := &launch{flow: f, name: fmt.Sprintf("spread_%d", n)}
				c.note("an execution with MapRuns", func() { c.runs = append(c.runs, x) })
				c.launch(x)
			}
			u := &mapRunUpdater{c: c, flow: f, r: c.rand("updater of " + f.name),
				settings: map[string]*mapRunSettings{}}
			c.spawn(u.run)
		}
	})
}

// distributedFlow draws a flow: a random one with a distributed Map, or one with many children.
func (w *World) distributedFlow(name string) (text, input string) {
	if w.number("children of "+name)%3 == 0 {
		for i := range 60 {
			g := flowgen.GenerateMapRuns(w.number(fmt.Sprintf("flow %s %d", name, i)))
			text := strings.Replace(g.Definition, `"Name": "generated"`, `"Name": "`+name+`"`, 1)
			m, _ := fdl.Parse([]byte(text), fdl.Options{Mode: flow.Standard, Limits: w.limits})
			if m != nil && slices.ContainsFunc(m.Nodes, isDistributed) {
				return text, string(encode(g.Input))
			}
		}
	}
	mode := flow.Standard
	if w.number("mode of "+name)%2 == 0 {
		mode = flow.Express
	}
	text = strings.NewReplacer("NAME", name, "MODE", mode).Replace(manyChildren)
	return text, `{"list":[1,2,3,4,5,6,7,8,9,10,11,12]}`
}

func isDistributed(st *flow.State) bool { return st.Map != nil && st.Map.Distributed != nil }

const manyChildren = `Type: StateMachine
SpecVersion: v1
Name: NAME
StartAt: M
States:
- Name: M
  Type: Map
  ItemsPath: $Input.list
  ItemConstructor: {n.$: $Item}
  ProcessorConfig: {ExecutionMode: MODE}
  MaxConcurrency: 2
  ToleratedFailureCount: 4
  Processor:
    StartAt: A
    States:
    - Name: A
      Type: Task
      Action: FC:InvokeFunction
      Timeout: 20
      Parameters: {resourceArn: 'acs:fc:::functions/f', invocationType: Sync}
      Next: B
    - {Name: B, Type: Wait, Seconds: 2, End: true}
  Catch: [{Errors: [FnF.ALL], Next: C}]
  Next: C
- {Name: C, Type: Pass, End: true}
`

// mapRunUpdater changes the MapRuns of a flow.
type mapRunUpdater struct {
	c        *clients
	flow     definition
	r        *rand.Rand
	settings map[string]*mapRunSettings // by the name of the MapRun
}

// mapRunSettings are what the last update of a MapRun has set. They are unsure from an update on
// whose outcome is not known: it may be applied later.
type mapRunSettings struct {
	concurrency, tolerated int64
	unsure                 bool
}

// openMapRun is a MapRun as a client knows it.
type openMapRun struct {
	execution *run
	names     cloudflow.MapRunRequest
}

func (u *mapRunUpdater) run() {
	for range 20 + u.r.IntN(20) {
		if !u.c.sleep(time.Duration(u.r.IntN(3000)) * time.Millisecond) {
			return
		}
		var target *openMapRun
		u.c.note("look for a MapRun of "+u.flow.name, func() { target = u.choose() })
		switch {
		case target == nil:
		case u.r.IntN(3) > 0:
			u.update(target)
		default:
			u.describe(target)
		}
	}
}

// choose returns an open MapRun of the flow, or nil.
func (u *mapRunUpdater) choose() *openMapRun {
	var open []*openMapRun
	for _, partition := range u.c.w.partitions {
		r := u.c.w.runs[partition]
		if r == nil || r.x.Flow != u.flow.name || r.x.Account != u.flow.account() {
			continue
		}
		for _, m := range r.state.MapRuns() {
			if m.Status == interp.MapRunRunning {
				open = append(open, &openMapRun{r, cloudflow.MapRunRequest{FlowName: u.flow.name,
					ExecutionName: r.x.Name, MapRunName: m.Name}})
			}
		}
	}
	if len(open) == 0 {
		return nil
	}
	return open[u.r.IntN(len(open))]
}

// update changes a MapRun, once: what an update without a response has done is not known.
func (u *mapRunUpdater) update(target *openMapRun) {
	set := &mapRunSettings{concurrency: 1 + u.r.Int64N(4), tolerated: 1 + u.r.Int64N(5)}
	before := u.settings[target.names.MapRunName]
	who := "update " + target.names.ExecutionName + " of " + u.flow.name
	got, err := request(u.c.w, nil, who,
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.MapRun, error) {
			return s.UpdateMapRun(ctx, u.caller(), cloudflow.UpdateMapRunRequest{
				FlowName: u.flow.name, ExecutionName: target.names.ExecutionName,
				MapRunName:  target.names.MapRunName,
				Concurrency: &set.concurrency, ToleratedFailedCount: &set.tolerated})
		})
	code := codeOf(err)
	if retried(code, err) {
		set.unsure = true
		u.settings[target.names.MapRunName] = set
		return
	}
	u.c.note(who+" is told", func() {
		if code != "" {
			u.judgeRejection(target, who, code)
			return
		}
		set.unsure = before != nil && before.unsure
		u.settings[target.names.MapRunName] = set
		u.judge(target, who, got)
		u.c.w.kinds["MapRun, updated"]++
	})
}

// describe checks what a MapRun shows.
func (u *mapRunUpdater) describe(target *openMapRun) {
	who := "describe a MapRun of " + target.names.ExecutionName + " of " + u.flow.name
	got, err := request(u.c.w, nil, who,
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.MapRun, error) {
			return s.DescribeMapRun(ctx, u.caller(), target.names)
		})
	code := codeOf(err)
	if retried(code, err) {
		return
	}
	u.c.note(who+" is told", func() {
		if code != "" {
			u.judgeRejection(target, who, code)
		} else {
			u.judge(target, who, got)
		}
	})
}

func (u *mapRunUpdater) caller() cloudflow.Caller {
	return cloudflow.Caller{Account: u.flow.account()}
}

// judge checks a description, and that the row agrees with it.
func (u *mapRunUpdater) judge(target *openMapRun, who string, got *cloudflow.MapRun) {
	w := u.c.w
	set := u.settings[target.names.MapRunName]
	if set == nil || set.unsure {
		return
	}
	w.checked("MapRun update")
	if got.Concurrency != set.concurrency || got.ToleratedFailedCount != set.tolerated {
		w.violate("MapRun update", "%s gets %+v, the last update has set %+v", who, *got, *set)
	}
	if m := target.now(); int64(m.Concurrency) != set.concurrency ||
		m.ToleratedCount != set.tolerated {
		w.violate("MapRun update", "%s: the row has %+v, the last update has set %+v", who, m,
			*set)
	}
}

// judgeRejection checks that a request that names an open MapRun is rejected only because the
// MapRun has ended since, or the execution has expired.
func (u *mapRunUpdater) judgeRejection(target *openMapRun, who string, code fault.Code) {
	w := u.c.w
	w.checked("MapRun update")
	ended := target.now().Status != interp.MapRunRunning
	switch {
	case code == fault.InvalidArgument && ended:
	case (code == fault.ExecutionNotExists || code == fault.MapRunNotExists) &&
		u.c.expired(w.runs[target.execution.x.Partition()]):
	case code == fault.MapRunNotExists && w.runs[target.execution.x.Partition()] !=
		target.execution: // the name has been used again
	default:
		w.violate("MapRun update", "%s gets %s: %+v", who, code, target.now())
	}
}

// now returns the MapRun as its row has it.
func (o *openMapRun) now() interp.MapRun {
	for _, m := range o.execution.state.MapRuns() {
		if m.Name == o.names.MapRunName {
			return m
		}
	}
	return interp.MapRun{}
}
