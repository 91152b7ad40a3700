package sim

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
)

// Rivals are two owners of one flow, who know nothing of each other: each creates, updates and
// deletes it, and others start executions of it meanwhile, through whichever process. "two owners":
// each answer is so at some moment between the request and the answer; an update that is accepted
// has been written in that time, and one that is rejected never is; and none takes back what the
// other one has changed: who changes the description keeps the definition, and the other way round.
const withRivals = "two owners"

// contended is the name of their flow.
const contended = "contended"

// rivals are the owners, and those who start.
type rivals struct {
	c *clients
}

// flowState is what a flow of the rivals is from some step on.
type flowState struct {
	step                  int
	id, hash, description string // id "": there is none
}

// contend begins them.
func (c *clients) contend() {
	v := &rivals{c}
	for i := range 2 {
		c.spawn(func() { v.own(fmt.Sprintf("rival %d", i)) })
		c.spawn(func() { v.starts(fmt.Sprintf("rivals' starter %d", i)) })
	}
}

func (v *rivals) own(who string) {
	r := v.c.rand(who)
	for i := range 6 + r.IntN(8) {
		pause := r.IntN([]int{300, 3000, 30_000}[r.IntN(3)])
		if !v.c.sleep(time.Duration(pause) * time.Millisecond) {
			return
		}
		v.act(fmt.Sprintf("%s %d", who, i), r)
	}
}

// flowRequest is a request about a flow.
type flowRequest func(context.Context, *cloudflow.Service) (*cloudflow.Flow, error)

// act changes the flow in one way.
func (v *rivals) act(who string, r *rand.Rand) {
	text := fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nDescription: %s\n"+
		"StartAt: W\nStates:\n- {Name: W, Type: Wait, Seconds: %d, Next: P}\n"+
		"- {Name: P, Type: Pass, End: true}\n", contended, who, []int{1, 20, 300}[r.IntN(3)])
	made := flowState{hash: store.DefinitionHash(text)}
	switch n := r.IntN(10); {
	case n < 2:
		v.ask("create "+who, made, creates(text))
	case n < 5:
		v.ask("update "+who, made, updates(cloudflow.UpdateFlowRequest{Name: contended,
			Definition: &text}))
	case n < 8:
		v.ask("describe "+who, flowState{description: who},
			updates(cloudflow.UpdateFlowRequest{Name: contended, Description: &who}))
	case n < 9:
		v.ask("delete "+who, flowState{}, deletes)
	default:
		v.look(who)
	}
}

func creates(text string) flowRequest {
	return func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
		return s.CreateFlow(ctx, flowOwnerCaller, cloudflow.CreateFlowRequest{Name: contended,
			Definition: text, Type: "FDL", ExecutionMode: flow.Standard})
	}
}

func updates(q cloudflow.UpdateFlowRequest) flowRequest {
	return func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
		return s.UpdateFlow(ctx, flowOwnerCaller, q)
	}
}

func deletes(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
	return nil, s.DeleteFlow(ctx, flowOwnerCaller, cloudflow.DeleteFlowRequest{Name: contended})
}

func describes(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
	return s.DescribeFlow(ctx, flowOwnerCaller, cloudflow.DescribeFlowRequest{Name: contended})
}

// within makes a request, and lets judge look at what it comes to within the process, unless that
// has died: seen is what the flow was from the request to the answer.
func (v *rivals) within(who string, do flowRequest,
	judge func(got *cloudflow.Flow, err error, seen []flowState)) {
	w := v.c.w
	request(w, nil, who, func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
		from := w.steps
		got, err := do(ctx, s)
		if p, _ := ctx.Value(servingProcess{}).(*process); !p.isDead() {
			judge(got, err, w.flows.between(contended, from, w.steps))
		}
		return got, err
	})
}

// ask makes a request that changes the flow, once. made is what it writes.
func (v *rivals) ask(what string, made flowState, do flowRequest) {
	w := v.c.w
	v.within(what, do, func(got *cloudflow.Flow, err error, seen []flowState) {
		code := codeOf(err)
		if err != nil && (code == "" || code == fault.InternalServerError) {
			return // it may have been written, or be written yet
		}
		w.checked("two owners")
		w.kinds["two owners: "+what[:6]+" "+string(code)]++
		if wrong := judgeRival(what[:6], made, seen, code); wrong != "" {
			w.violate("two owners", "%s is told %+v %s, %s: %+v", what, got, code, wrong, seen)
		}
	})
}

// judgeRival says what is wrong with an answer; the first of the states was there when the request
// was made, the others were written until the answer.
func judgeRival(what string, made flowState, seen []flowState, code fault.Code) string {
	wrote := func(s *flowState) bool {
		return made.hash != "" && s.hash == made.hash ||
			made.description != "" && s.description == made.description
	}
	was, gone, mine := false, false, false
	removed := false
	for i := range seen {
		s := &seen[i]
		was, gone = was || s.id != "", gone || s.id == ""
		mine = mine || i > 0 && wrote(s)
		removed = removed || i > 0 && s.id == "" && seen[i-1].id != ""
	}
	switch {
	case code == fault.FlowNotExists && !gone:
		return "and it was there all the time"
	case code == fault.FlowAlreadyExists && !was:
		return "and there was none"
	case code == fault.ConcurrentUpdateError && mine:
		return "and it was written"
	case code != "":
		return ""
	case what == "delete" && !removed:
		return "and it was not removed"
	case what != "delete" && !mine:
		return "and it was not written"
	}
	return ""
}

// look describes the flow.
func (v *rivals) look(who string) {
	w := v.c.w
	v.within("look "+who, describes, func(got *cloudflow.Flow, err error, seen []flowState) {
		if err != nil {
			return
		}
		w.checked("two owners")
		if !wasSo(seen, got.ID, store.DefinitionHash(got.Definition), &got.Description) {
			w.violate("two owners", "%s is told %+v, which it never was: %+v", who, got, seen)
		}
	})
}

// starts starts executions of the flow, each once.
func (v *rivals) starts(who string) {
	r := v.c.rand(who)
	for i := range 5 + r.IntN(6) {
		if !v.c.sleep(time.Duration(r.IntN(40_000)) * time.Millisecond) {
			return
		}
		v.start(who, fmt.Sprintf("s%d_%d", who[len(who)-1], i))
	}
}

func (v *rivals) start(who, name string) {
	var x *cloudflow.Execution
	do := func(ctx context.Context, s *cloudflow.Service) (_ *cloudflow.Flow, err error) {
		x, err = s.StartExecution(ctx, flowOwnerCaller, cloudflow.StartExecutionRequest{
			FlowName: contended, ExecutionName: name, Input: "{}"})
		return nil, err
	}
	w := v.c.w
	v.within(who+" "+name, do, func(_ *cloudflow.Flow, err error, seen []flowState) {
		switch code := codeOf(err); {
		case err == nil:
			w.checked("two owners")
			if !wasSo(seen, "", store.DefinitionHash(x.FlowDefinition), nil) {
				w.violate("two owners", "%s runs a definition that the flow never had\n%s\n%+v", name,
					x.FlowDefinition, seen)
			}
		case code == fault.FlowNotExists:
			w.checked("two owners")
			if wrong := judgeRival("start", flowState{}, seen, code); wrong != "" {
				w.violate("two owners", "%s is told %s, %s: %+v", name, code, wrong, seen)
			}
		}
	})
}

// wasSo reports whether the flow was so at some moment: its id ("" for any), its definition and its
// description (nil for any).
func wasSo(seen []flowState, id, hash string, description *string) bool {
	for i := range seen {
		s := &seen[i]
		if s.id != "" && (id == "" || s.id == id) && s.hash == hash &&
			(description == nil || *description == s.description) {
			return true
		}
	}
	return false
}

// changed notes what a flow is from now on.
func (f *flowRows) changed(w *World, key store.Key, to flowState) {
	name, first := strings.CutPrefix(key.Partition, "f#"+account+"#")
	if !first {
		return
	}
	to.step = w.steps
	if list := f.states[name]; name == contended && len(list) > 0 {
		w.judgeRivals(list[len(list)-1], to)
	}
	f.states[name] = append(f.states[name], to)
}

// between gives what a flow was from one step to another: the state before, and all that followed.
func (f *flowRows) between(name string, from, to int) []flowState {
	seen := []flowState{{}}
	for _, s := range f.states[name] {
		switch {
		case s.step <= from:
			seen[0] = s
		case s.step <= to:
			seen = append(seen, s)
		}
	}
	return seen
}

// judgeRivals checks that a write of the rivals' flow keeps what it does not change: each of their
// updates changes one thing.
func (w *World) judgeRivals(before, now flowState) {
	if before.id == "" || before.id != now.id {
		return
	}
	w.checked("two owners")
	if before.hash != now.hash && before.description != now.description {
		w.violate("two owners", "an update has changed what it should have kept: %+v became %+v",
			before, now)
	}
}
