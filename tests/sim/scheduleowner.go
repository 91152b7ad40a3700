package sim

import (
	"context"
	"fmt"
	"strconv"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
)

// scheduleOwner is a client with a flow of its own that only schedules start. It creates, changes,
// disables and deletes the schedules, and sometimes the flow. No other client changes them, so the
// owner knows what they are, and the world which planned times must be started.
type scheduleOwner struct {
	flowOwner
	known map[string]*cloudflow.Schedule // by name; nil while there is none
	last  string                         // id of the latest schedule that was created
}

// timedFlow is the flow that schedules start.
const timedFlow = "timed"

// scheduleNames are the schedules of the flow. The second one is so long that names of executions
// are cut.
var scheduleNames = []string{"s", "long_" + fmt.Sprintf("%0120d", 7)}

// timed starts the owner of the schedules.
func (c *clients) timed() {
	o := &scheduleOwner{flowOwner: flowOwner{c: c, name: timedFlow, r: c.rand("schedules")},
		known: map[string]*cloudflow.Schedule{}}
	c.w.schedules.owner = o
	c.spawn(o.run)
}

// run does some actions, lets the schedules run on for a while, and removes everything, so that the
// world comes to an end.
func (o *scheduleOwner) run() {
	for range 3 + o.r.IntN(6) {
		if !o.pause(50_000) || !o.act() || !o.settle() {
			return
		}
	}
	if !o.pause(400_000) {
		return
	}
	if o.current != "" && o.r.IntN(2) == 0 {
		o.removeFlow()
	}
	for _, name := range scheduleNames {
		if o.current != "" && o.known[name] != nil && (!o.settle() || !o.remove(name)) {
			return
		}
	}
}

func (o *scheduleOwner) pause(msMax int) bool {
	return o.c.sleep(time.Duration(o.r.IntN(msMax)) * time.Millisecond)
}

// settle waits until no request of an action can have an effect any more. A frozen process may
// carry one out late.
func (o *scheduleOwner) settle() bool {
	if o.unsure && o.c.w.faults.freeze.of > 0 && !o.c.sleep(freezes[len(freezes)-1]) {
		return false
	}
	return o.flowOwner.settle()
}

// act does one action; it returns false when the clients have been stopped.
func (o *scheduleOwner) act() bool {
	o.made++
	name := scheduleNames[o.r.IntN(5)/4]
	n := o.r.IntN(12)
	o.c.note("owner changes schedules", func() {
		o.c.w.schedules.changed = time.Now().UnixMilli()
		o.c.w.schedules.removing = ""
	})
	switch {
	case o.current == "":
		return o.createFlow()
	case n == 0:
		return o.removeFlow()
	case o.known[name] == nil:
		return o.create(name)
	case n < 3:
		return o.remove(name)
	}
	return o.update(name)
}

// expression returns an expression that plans a time each minute or more rarely.
func (o *scheduleOwner) expression() string {
	if o.r.IntN(2) == 0 {
		return fmt.Sprintf("@every %dm", 1+o.r.IntN(3))
	}
	return fmt.Sprintf("%d */%d * * * *", o.r.IntN(60), 1+o.r.IntN(3))
}

func (o *scheduleOwner) createFlow() bool {
	text := fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: W%d\nStates:\n"+
		"- {Name: W%[2]d, Type: Wait, Seconds: %d, Next: P}\n- {Name: P, Type: Pass, End: true}\n",
		o.name, o.made, []int{1, 30}[o.r.IntN(2)])
	return ask(&o.flowOwner, "create",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
			f, err := s.CreateFlow(ctx, flowOwnerCaller, cloudflow.CreateFlowRequest{Name: o.name,
				Definition: text, Type: "FDL", ExecutionMode: flow.Standard})
			if codeOf(err) == fault.FlowAlreadyExists {
				return s.DescribeFlow(ctx, flowOwnerCaller,
					cloudflow.DescribeFlowRequest{Name: o.name})
			}
			return f, err
		}, func(f *cloudflow.Flow, code fault.Code) {
			if code != "" || f.Definition != text || f.ID == o.id {
				o.c.w.violate("flow response", "the owner of schedules has created a flow and gets "+
					"%v %s", f, code)
				return
			}
			o.current, o.id = text, f.ID
			o.c.ids[o.name] = f.ID
		})
}

func (o *scheduleOwner) removeFlow() bool {
	return o.flowOwner.remove() && func() bool { clear(o.known); return true }()
}

func (o *scheduleOwner) create(name string) bool {
	q := cloudflow.CreateScheduleRequest{FlowName: o.name, ScheduleName: name,
		CronExpression: o.expression(), Payload: `{"n":` + strconv.Itoa(o.made) + `}`}
	if o.r.IntN(4) == 0 {
		no := false
		q.Enable = &no
	}
	one := cloudflow.ScheduleRequest{FlowName: o.name, ScheduleName: name}
	return ask(&o.flowOwner, "create schedule",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Schedule, error) {
			got, err := s.CreateSchedule(ctx, flowOwnerCaller, q)
			// by an earlier request of the owner whose response was lost
			if codeOf(err) == fault.ScheduleAlreadyExists {
				return s.DescribeSchedule(ctx, flowOwnerCaller, one)
			}
			return got, err
		}, func(got *cloudflow.Schedule, code fault.Code) {
			o.c.w.checked("schedule response")
			if code != "" || got.Payload != q.Payload || got.CronExpression != q.CronExpression ||
				got.Enable != (q.Enable == nil) || got.ID == o.last {
				o.c.w.violate("schedule response", "the owner has created %+v and gets %+v %s", q,
					got, code)
				return
			}
			o.known[name], o.last = got, got.ID
		})
}

func (o *scheduleOwner) update(name string) bool {
	want := *o.known[name]
	q := cloudflow.UpdateScheduleRequest{FlowName: o.name, ScheduleName: name}
	switch o.r.IntN(4) {
	case 0:
		payload := `{"n":` + strconv.Itoa(o.made) + `}`
		q.Payload, want.Payload = &payload, payload
	case 1:
		e := o.expression()
		q.CronExpression, want.CronExpression = &e, e
	default:
		want.Enable = !want.Enable
		q.Enable = &want.Enable
	}
	return ask(&o.flowOwner, "update schedule",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Schedule, error) {
			return s.UpdateSchedule(ctx, flowOwnerCaller, q)
		}, func(got *cloudflow.Schedule, code fault.Code) {
			o.c.w.checked("schedule response")
			if code == "" {
				want.LastModifiedTime = got.LastModifiedTime
			}
			if code != "" || *got != want {
				o.c.w.violate("schedule response", "the owner has updated a schedule by %+v and "+
					"gets %+v %s", q, got, code)
				return
			}
			o.known[name] = got
		})
}

func (o *scheduleOwner) remove(name string) bool {
	one := cloudflow.ScheduleRequest{FlowName: o.name, ScheduleName: name}
	o.c.note("owner removes a schedule", func() {
		o.c.w.schedules.changed = time.Now().UnixMilli()
		o.c.w.schedules.removing = name
	})
	tried := false
	return ask(&o.flowOwner, "delete schedule",
		func(ctx context.Context, s *cloudflow.Service) (bool, error) {
			err := s.DeleteSchedule(ctx, flowOwnerCaller, one)
			if codeOf(err) == fault.ScheduleNotExists && tried {
				err = nil // by an earlier request whose response was lost
			}
			tried = true
			return true, err
		}, func(_ bool, code fault.Code) {
			o.c.w.checked("schedule response")
			if code != "" {
				o.c.w.violate("schedule response", "the owner has deleted a schedule and gets %s",
					code)
			}
			delete(o.known, name)
		})
}
