package sim

import (
	"context"
	"math"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/share"
	"millrace/shared/store"
)

// watchPauseMax is the longest pause between two looks at an execution. A watcher that has looked
// twenty times makes long pauses.
const watchPauseMax = 4 * time.Hour

// watcher describes an execution until it has ended, and then reads its history. If the execution
// does not exist and all its starters have given up, the watcher stops: no other client starts it.
func (c *clients) watcher(x *launch, who string) {
	r := c.rand(who)
	for n := range math.MaxInt {
		pause := time.Duration(r.IntN(20_000)) * time.Millisecond
		if !c.sleep(min(pause<<max(0, min(n-20, 12)), watchPauseMax, c.w.retention/4)) {
			return
		}
		wait := int64(r.IntN(3) * r.IntN(20))
		before, last := x.started.Load(), x.trying.Load() == 0
		got, err := request(c.w, x.newOp("describe", who), who,
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
				return c.poll(ctx, s, x, who, wait)
			})
		code := codeOf(err)
		if retried(code, err) {
			continue
		}
		ended, missing := false, false
		c.note(who+" is told", func() {
			if code != "" {
				missing = before > 0 || x.refused || last
				if run := x.now(c.w); code != fault.ExecutionNotExists ||
					before > 0 && !c.expired(run) {
					c.w.violate("describe response", "%s got %s", who, code)
				}
				return
			}
			ended = c.judgeStatus(x, who, got)
		})
		if missing {
			return
		}
		if ended {
			break
		}
	}
	for range triesMax {
		events, err := request(c.w, nil, who+" history",
			func(ctx context.Context, s *cloudflow.Service) ([]cloudflow.Event, error) {
				return history(ctx, s, x, []int64{10, 100, 1000, 1000}[r.IntN(4)])
			})
		if err == nil {
			c.note(who+" has read", func() { c.judgeHistory(x, who, events) })
			return
		}
		if !c.sleep(time.Second) {
			return
		}
	}
}

// poll describes an execution, and returns when it has ended or the wait is over.
func (c *clients) poll(ctx context.Context, s *cloudflow.Service, x *launch, who string,
	wait int64) (*cloudflow.Execution, error) {
	q := cloudflow.DescribeExecutionRequest{FlowName: x.flow.name, ExecutionName: x.name,
		WaitTimeSeconds: &wait}
	p, _ := ctx.Value(servingProcess{}).(*process)
	if wait == 0 {
		return s.DescribeExecution(ctx, x.caller(), q)
	}
	var asked *poll
	begun := &operation{process: p, key: who + " waits", apply: func() bool {
		asked = c.w.polled(p, store.Partition(c.ids[x.flow.key()], x.name), who,
			time.Duration(wait)*time.Second)
		return true
	}}
	if err := c.w.sched.wait(ctx, begun, nil); err != nil {
		return nil, err
	}
	got, err := s.DescribeExecution(ctx, x.caller(), q)
	p.judgeRefusal("long polls", func(s *shares) *share.Pool { return s.pools.Polls },
		x.flow.account(), codeOf(err))
	c.w.sched.wait(p.life, &operation{process: p, key: who + " has waited", apply: func() bool {
		c.w.answeredPoll(asked, err == nil && got.Status == "Running")
		return true
	}}, nil)
	return got, err
}

func history(ctx context.Context, s *cloudflow.Service, x *launch,
	limit int64) (all []cloudflow.Event, err error) {
	q := cloudflow.GetExecutionHistoryRequest{FlowName: x.flow.name, ExecutionName: x.name,
		Limit: &limit}
	for {
		page, err := s.GetExecutionHistory(ctx, x.caller(), q)
		if err != nil {
			return nil, err
		}
		all = append(all, page.Events...)
		if q.NextToken = page.NextToken; q.NextToken == "" {
			return all, nil
		}
	}
}

func (c *clients) judgeHistory(x *launch, who string, events []cloudflow.Event) {
	run := x.now(c.w)
	if run == nil || c.w.namesReused {
		return // it has expired, or another execution may have its name now
	}
	if len(events) != len(run.events) && run.x.Redrive == 0 {
		c.w.violate("history response", "%s has read %d events of %d", who, len(events),
			len(run.events))
		return
	}
	c.w.judgeEvents(who, run, events)
}

// judgeEvents compares events in the API's form with the stored ones.
func (w *World) judgeEvents(who string, run *run, events []cloudflow.Event) {
	if len(events) > len(run.events) {
		w.violate("history response", "%s has read %d events of %d", who, len(events),
			len(run.events))
		return
	}
	w.checked("history response")
	for i, e := range events {
		want := &run.events[i]
		if e.ID != want.ID || e.ScheduleID != want.Schedule || e.Type != want.Type.String() ||
			e.Detail != string(want.AppendDetail(nil, run.m)) {
			w.violate("history response", "%s has read event %+v, stored is %s", who, e,
				run.shown[i])
			return
		}
	}
}

// judgeStatus checks a description against earlier ones. It reports whether the execution has
// ended.
func (c *clients) judgeStatus(x *launch, who string, got *cloudflow.Execution) bool {
	ended := got.Status != "Running"
	c.w.checked("describe response")
	run := c.w.nameHolder(x.flow.account(), x.flow.name, x.name) // deleted since, perhaps
	if run == nil {
		if !c.w.namesReused {
			c.w.violate("describe response", "%s gets %s, and there is no such execution",
				who, got.Status)
		}
		return true
	}
	if x.run != run.x.Run || x.redrives != got.RedriveCount {
		x.run, x.redrives = run.x.Run, got.RedriveCount
		x.status, x.output = "", ""
	}
	if x.status != "" && (got.Status != x.status || got.Output != x.output) && ended {
		c.w.violate("describe response", "%s gets %s %s, before it was %s %s", who, got.Status,
			got.Output, x.status, x.output)
	}
	old := got.RedriveCount < int64(run.x.Redrive)
	if ended && !old && run.x.Status.String() != got.Status && !c.w.namesReused {
		c.w.violate("describe response", "%s gets %s, which is not so", who, got.Status)
	}
	if ended && !old && run.x.Status.String() == got.Status {
		x.status, x.output = got.Status, got.Output
	}
	return ended
}
