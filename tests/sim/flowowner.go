package sim

import (
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"slices"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/store/driver"
	"millrace/shared/store/memstore"
)

// flowOwner is a client that updates and deletes its own flow while executions of it run. No other
// client changes that flow, so the owner knows its definition at any time.
type flowOwner struct {
	c       *clients
	r       *rand.Rand
	name    string
	current string   // definition; "" while there is no flow
	texts   []string // of all definitions that the flow has had
	id      string
	made    int  // executions and definitions so far
	unsure  bool // a request of this action got no response: it may still be carried out
}

// flowOwnerWait is how long the owner waits after an action in which a request got no response. By
// then that request has been carried out, or never will be.
const flowOwnerWait = requestTimeout + 30*time.Second

// hasFlowOwner reports whether a run has a flow owner.
func (w *World) hasFlowOwner() bool {
	return w.mocked == nil && !w.large() && w.number("owner")%3 == 0 &&
		!slices.Contains(w.without, withoutFlowOwner)
}

// runFlowOwner runs the owner.
func (c *clients) runFlowOwner() {
	o := &flowOwner{c: c, name: "owned", r: c.rand("owner")}
	c.flowOwner = o
	for range 6 + o.r.IntN(8) {
		if !c.sleep(time.Duration(o.r.IntN(40_000))*time.Millisecond) || !o.act() || !o.settle() {
			return
		}
	}
}

// settle waits until no request of an action can have an effect any more.
func (o *flowOwner) settle() bool {
	if o.unsure && !o.c.sleep(flowOwnerWait) {
		return false
	}
	o.unsure = false
	return true
}

// comeBack runs the owner when the sweeper is about to look at a definition of its flow. Mostly the
// owner goes back to a former definition.
func (o *flowOwner) comeBack(at int64) {
	o.c.sleep(time.Until(time.UnixMilli(at)) - reuseEarly)
	for range 4 + o.r.IntN(8) {
		if !o.c.sleep(time.Duration(o.r.IntN(20_000))*time.Millisecond) || !o.act() || !o.settle() {
			return
		}
	}
}

// act does one action; it returns false when the clients have been stopped.
func (o *flowOwner) act() bool {
	n := o.r.IntN(10)
	switch {
	case o.current == "":
		if n < 2 {
			return o.start()
		}
		return o.create()
	case n < 4:
		return o.update()
	case n < 9:
		return o.start()
	}
	return o.remove()
}

// definition returns a new definition, or one that the flow had before.
func (o *flowOwner) definition() string {
	o.made++
	if len(o.texts) > 0 && o.r.IntN(2) == 0 {
		return o.texts[o.r.IntN(len(o.texts))]
	}
	wait := []int{1, 5, 60, 300}[o.r.IntN(4)]
	return fmt.Sprintf(
		"Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: W%d\nStates:\n"+
			"- {Name: W%[2]d, Type: Wait, Seconds: %[3]d, Next: V}\n"+
			"- {Name: V, Type: Wait, Seconds: %[3]d, Next: P}\n"+
			"- {Name: P, Type: Pass, OutputConstructor: {v: %[2]d}, End: true}\n", o.name,
		o.made, wait)
}

// ask repeats a request until its result is known. done is called in the scheduler's goroutine.
func ask[T any](o *flowOwner, what string, do func(context.Context, *cloudflow.Service) (T, error),
	done func(T, fault.Code)) bool {
	who := fmt.Sprintf("owner %s %s %d", what, o.name, o.made)
	for tries := 0; tries < o.c.w.attemptsMax(); tries++ {
		got, err := request(o.c.w, nil, who, do)
		code := codeOf(err)
		if !retried(code, err) {
			o.c.w.checked("response at last")
			o.c.note(who+" is told", func() { done(got, code) })
			return true
		}
		if code == fault.ResourceThrottled && o.c.w.limits.Executions < 10 {
			// The executions that fill the limit may run for days, and then this ends with the run.
			tries--
		}
		o.unsure = true
		if !o.c.sleep(time.Duration(o.r.IntN(8000)) * time.Millisecond) {
			return false
		}
	}
	o.c.w.violate("response at last", "%s: no end of faults", who)
	return false
}

var flowOwnerCaller = cloudflow.Caller{Account: account}

func (o *flowOwner) create() bool {
	text := o.definition()
	return ask(o, "create",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
			f, err := s.CreateFlow(ctx, flowOwnerCaller, cloudflow.CreateFlowRequest{Name: o.name,
				Definition: text, Type: "FDL", ExecutionMode: flow.Standard})
			// by an earlier request of the owner whose response was lost
			if codeOf(err) == fault.FlowAlreadyExists {
				return s.DescribeFlow(ctx, flowOwnerCaller, cloudflow.DescribeFlowRequest{
					Name: o.name})
			}
			return f, err
		}, func(f *cloudflow.Flow, code fault.Code) {
			if code != "" || f.Definition != text || f.ID == o.id {
				o.c.w.violate("flow response", "the owner has created a flow and gets %v %s", f,
					code)
				return
			}
			o.current, o.id, o.texts = text, f.ID, []string{text}
			o.c.ids[o.name] = f.ID
		})
}

func (o *flowOwner) update() bool {
	text := o.definition()
	return ask(o, "update",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Flow, error) {
			return s.UpdateFlow(ctx, flowOwnerCaller, cloudflow.UpdateFlowRequest{Name: o.name,
				Definition: &text})
		}, func(f *cloudflow.Flow, code fault.Code) {
			if code != "" || f.Definition != text || f.ID != o.id {
				o.c.w.violate("flow response", "the owner has updated the flow and gets %v %s", f,
					code)
				return
			}
			o.current, o.texts = text, append(o.texts, text)
		})
}

func (o *flowOwner) remove() bool {
	return ask(o, "delete", func(ctx context.Context, s *cloudflow.Service) (bool, error) {
		return true, s.DeleteFlow(ctx, flowOwnerCaller, cloudflow.DeleteFlowRequest{Name: o.name})
	}, func(_ bool, code fault.Code) {
		if code != "" && code != fault.FlowNotExists {
			o.c.w.violate("flow response", "the owner has deleted the flow and gets %s", code)
		}
		o.current, o.texts = "", nil
		o.c.w.flows.deleted[o.id] = time.Now().UnixMilli()
	})
}

// start starts an execution. It must run the flow's current definition, or fail if there is no
// flow.
func (o *flowOwner) start() bool {
	o.made++
	name, asked := fmt.Sprintf("o%d", o.made), false
	return ask(o, "start",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
			again := asked // an earlier request may still be in progress
			asked = true
			x, err := s.StartExecution(ctx, flowOwnerCaller, cloudflow.StartExecutionRequest{
				FlowName: o.name, ExecutionName: name, Input: "{}"})
			if codeOf(err) == fault.ExecutionAlreadyExists && again {
				return s.DescribeExecution(ctx, flowOwnerCaller, cloudflow.DescribeExecutionRequest{
					FlowName: o.name, ExecutionName: name})
			}
			return x, err
		}, func(x *cloudflow.Execution, code fault.Code) {
			o.c.w.checked("definition at the start")
			switch {
			case o.current == "" && code != fault.FlowNotExists:
				o.c.w.violate("definition at the start",
					"the owner has no flow and has started %s, and gets %v %s", name, x, code)
			case o.current != "" && (code != "" || x.FlowDefinition != o.current):
				o.c.w.violate("definition at the start",
					"the owner has started %s and gets %v %s; the flow is\n%s", name, x,
					code, o.current)
			}
		})
}

// flowRows tracks the rows of flows and their definitions. Only the scheduler's goroutine uses it.
type flowRows struct {
	now          map[string]string // hash of a flow's current definition, by id
	names        map[string]string // id of the flow that a key holds
	texts        map[string]string // every definition that ever existed, by hash
	accountNames map[string]string // account#name of a flow, by id
	// when a client was told that a flow was deleted, by id, ms since 1970
	deleted map[string]int64

	states map[string][]flowState // successive states of the flow with a name, in the first account

	catalogs catalogs
}

func newFlowRows() flowRows {
	return flowRows{now: map[string]string{}, names: map[string]string{},
		texts: map[string]string{}, accountNames: map[string]string{}, deleted: map[string]int64{},
		states: map[string][]flowState{}, catalogs: newCatalogs()}
}

// looks returns when the sweeper looks at a definition of a flow next, ms since 1970;
// math.MaxInt64: never.
func (w *World) looks(flowID string) int64 {
	first := int64(math.MaxInt64)
	for key, row := range w.disk.keys {
		if key.Partition == "d#"+flowID && row.Wake > 0 {
			first = min(first, row.Wake)
		}
	}
	return first
}

// judgeFlowRow checks a row that was written or removed (nil), unless it belongs to an execution.
func (w *World) judgeFlowRow(key driver.Key, row *driver.Row) {
	f := &w.flows
	id, definition := strings.CutPrefix(key.Partition, "d#")
	switch {
	case store.KindOf(key) == store.ScheduleRow:
		w.judgeSchedule(key, row)
	case store.KindOf(key) == store.BulkRow:
		w.judgeBulk(key, row)
	case definition && store.KindOf(key) == store.DefinitionRow:
		if row == nil {
			w.definitionGone(id, key.Sort)
			return
		}
		f.texts[key.Sort] = string(row.Data)
		if f.keeps(id, key.Sort) && row.Expires > 0 {
			w.violate("definition kept",
				"the definition of flow %s expires at %d, and the flow has it", id, row.Expires)
		}
	case definition && store.KindOf(key) == store.FlowDetailRow:
		if row == nil && f.keeps(id, key.Sort) {
			w.violate("version kept", "%s of flow %s is removed, and the flow has it", key.Sort, id)
		}
	case strings.HasPrefix(key.Partition, "f#") && row == nil:
		delete(f.now, f.names[key.Partition])
		delete(f.catalogs.named, f.names[key.Partition])
		f.changed(w, key, flowState{})
	case strings.HasPrefix(key.Partition, "f#"):
		named := w.flowIn(*row)
		f.changed(w, key, flowState{id: named.ID, hash: named.Hash, description: named.Description})
		f.names[key.Partition], f.now[named.ID] = named.ID, named.Hash
		f.accountNames[named.ID] = key.Partition[len("f#"):]
		if d, ok := w.disk.keys[driver.Key{Partition: "d#" + named.ID, Sort: named.Hash}]; !ok ||
			d.Expires > 0 {
			w.violate("definition kept",
				"flow %s has a definition that is not there, or that expires at %d",
				named.ID, d.Expires)
		}
		w.judgeCatalog(named)
	}
}

// flowIn returns the flow in a row.
func (w *World) flowIn(row driver.Row) *store.Flow {
	rows := memstore.New()
	rows.Put(always, []driver.Row{row})
	account, name, _ := strings.Cut(strings.TrimPrefix(row.Partition, "f#"), "#")
	f, err := store.New(store.Options{Driver: rows}).GetFlow(always, account, name)
	if err != nil {
		w.violate("readable", "the flow in %s cannot be read: %v", row.Partition, err)
		return &store.Flow{}
	}
	return f
}

// definitionGone checks that a definition that is removed is not needed.
func (w *World) definitionGone(id, hash string) {
	w.checked("definition kept")
	_, there := w.flows.now[id]
	if there && w.flows.keeps(id, hash) {
		w.violate("definition kept", "the definition of flow %s is removed, and the flow has it",
			id)
	}
	for _, partition := range w.partitions {
		if r := w.runs[partition]; there && r != nil && r.x.FlowID == id && r.x.Hash == hash &&
			r.x.Expires > time.Now().UnixMilli()+w.slack() {
			w.violate("definition kept", "the definition of %s is removed, and it expires at %d",
				partition, r.x.Expires)
		}
	}
}

// stopDeletedMax is how long executions of a deleted flow may run when there are no faults, ms.
const stopDeletedMax = 300_000

// judgeDeletedFlow checks that an execution of a deleted flow was stopped in time.
func (w *World) judgeDeletedFlow(r *run) {
	at, ok := w.flows.deleted[r.x.FlowID]
	if !ok || r.x.Started > at {
		return
	}
	w.checked("deleted flow")
	over := max(at, w.quiescedAt) + stopDeletedMax
	// a wrong clock may have set the time of the look (4046653)
	if at <= w.quiescedAt+requestTimeout.Milliseconds() {
		over += w.faults.skew.Milliseconds()
	}
	if r.ended.UnixMilli() > over && r.x.Status != flow.Stopped {
		w.violate("deleted flow",
			"%s has gone on until %d as %v; its flow was deleted at %d, faults ended at %d",
			r.x.Partition(), r.x.Stopped, r.x.Status, at, w.quiescedAt)
	}
}

// judgeFlowsLeft checks that only existing flows are left, each with its definition, its versions
// and its aliases.
func (w *World) judgeFlowsLeft() {
	for _, key := range w.disk.sorted() {
		id, ok := strings.CutPrefix(key.Partition, "d#")
		if ok && !w.flows.keeps(id, key.Sort) {
			w.violate("nothing left", "%s is still there at %d, expires at %d; the flow has %v",
				show(key), time.Now().UnixMilli(), w.disk.keys[key].Expires,
				w.flows.catalogs.named[id])
		}
	}
}
