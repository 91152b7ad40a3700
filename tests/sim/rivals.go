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
	"millrace/shared/store/driver"
)

// Rivals are two independent owners of one flow. Each creates, updates and deletes it through any
// process, while other clients start executions of it. "two owners": each response is true at some
// moment between the request and the response; an accepted update was written in that time, and a
// rejected one never is; and no update reverts a change of the other owner: an update of the
// description keeps the definition, and vice versa.
const withRivals = "two owners"

// contended is the name of that flow.
const contended = "contended"

// rivals are the owners, and the clients that start executions.
type rivals struct {
	c *clients
}

// flowState is the state of the rivals' flow from some step on.
type flowState struct {
	step                  int
	id, hash, description string // id "": the flow does not exist
}

// contend starts the rivals.
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

// act makes one change of the flow.
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

// within makes a request and calls judge with the result inside the process that serves it, unless
// that process has died. seen are the states of the flow from the request to the response.
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

// ask makes a request that changes the flow, once. made is the state that it writes.
func (v *rivals) ask(what string, made flowState, do flowRequest) {
	w := v.c.w
	v.within(what, do, func(got *cloudflow.Flow, err error, seen []flowState) {
		code := codeOf(err)
		if err != nil && (code == "" || code == fault.InternalServerError) {
			return // it may have been written, or may still be written
		}
		w.checked("two owners")
		w.kinds["two owners: "+what[:6]+" "+string(code)]++
		if wrong := judgeRival(what[:6], made, seen, code); wrong != "" {
			w.violate("two owners", "%s gets %+v %s, %s: %+v", what, got, code, wrong, seen)
		}
	})
}

// judgeRival describes the error in a response; "" if there is none. The first of the states
// existed when the request was made, the others were written before the response.
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
			w.violate("two owners", "%s gets %+v, which it never was: %+v", who, got, seen)
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
				w.violate("two owners", "%s runs a definition that the flow never had\n%s\n%+v",
					name,
					x.FlowDefinition, seen)
			}
		case code == fault.FlowNotExists:
			w.checked("two owners")
			if wrong := judgeRival("start", flowState{}, seen, code); wrong != "" {
				w.violate("two owners", "%s gets %s, %s: %+v", name, code, wrong, seen)
			}
		}
	})
}

// wasSo reports whether the flow had such a state at some moment: its id ("": any), its definition
// and its description (nil: any).
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

// changed records the new state of a flow.
func (f *flowRows) changed(w *World, key driver.Key, to flowState) {
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

// between returns the states of a flow from one step to another: the state before, and all that
// followed.
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

// judgeRivals checks that a write of the rivals' flow keeps what it must not change: each update
// changes one field.
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
