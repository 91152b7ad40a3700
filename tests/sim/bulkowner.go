package sim

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/tests/reference"
)

// bulkOwner is a client with a flow of its own, on whose executions it acts by bulk operations, one
// after the other. Nobody else stops, deletes or starts them, so what each operation says it has
// done can be compared with what has happened.
type bulkOwner struct {
	flowOwner
	names []string // executions that it has started itself
}

// bulkFlow is the flow of the owner of bulk operations.
const bulkFlow = "bulked"

// bulks tracks the bulk operations. Only the scheduler's goroutine uses it.
type bulks struct {
	owner *bulkOwner
	bulkRows
}

// inBulk starts the owner of bulk operations.
func (c *clients) inBulk() {
	o := &bulkOwner{flowOwner: flowOwner{c: c, name: bulkFlow, r: c.rand("bulk")}}
	c.w.bulks.owner = o
	c.spawn(o.run)
}

func (o *bulkOwner) run() {
	if !o.createFlow() {
		return
	}
	for range 5 + o.r.IntN(10) {
		if !o.startOne() {
			return
		}
	}
	for range 1 + o.r.IntN(3) {
		if !o.c.sleep(time.Duration(o.r.IntN(120_000))*time.Millisecond) || !o.bulk() {
			return
		}
	}
}

func (o *bulkOwner) createFlow() bool {
	text := fmt.Sprintf("Type: StateMachine\nSpecVersion: v1\nName: %s\nStartAt: C\nStates:\n"+
		"- {Name: C, Type: Choice, Branches: [{Condition: $Input.short == true, Next: S}], "+
		"Default: L}\n"+
		"- {Name: S, Type: Wait, Seconds: 5, Next: P}\n"+
		"- {Name: L, Type: Wait, Seconds: 300, Next: P}\n"+
		"- {Name: P, Type: Pass, End: true}\n", o.name)
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
			if code != "" {
				o.c.w.violate("flow response", "the owner of bulks has created a flow and gets %s",
					code)
				return
			}
			o.current, o.id = text, f.ID
			o.c.ids[o.name] = f.ID
		})
}

// startOne starts an execution that runs for a while; half of them have names that begin with "a".
func (o *bulkOwner) startOne() bool {
	o.made++
	name := fmt.Sprintf("%c%d", 'a'+o.made%2, o.made)
	input := fmt.Sprintf(`{"short":%t}`, o.r.IntN(2) == 0)
	o.names = append(o.names, name)
	return ask(&o.flowOwner, "start",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
			x, err := s.StartExecution(ctx, flowOwnerCaller, cloudflow.StartExecutionRequest{
				FlowName: o.name, ExecutionName: name, Input: input})
			if codeOf(err) == fault.ExecutionAlreadyExists {
				err = nil // an earlier request has started it, and it has ended
			}
			return x, err
		}, func(_ *cloudflow.Execution, code fault.Code) {
			if code != "" {
				o.c.w.violate("bulk response", "the owner of bulks has started %s and gets %s", name,
					code)
			}
		})
}

// bulk makes a bulk operation, waits for its end and compares its results with what has happened.
func (o *bulkOwner) bulk() bool {
	o.made++
	q := cloudflow.CreateBulkOperationRequest{FlowName: o.name,
		BulkName: fmt.Sprintf("bulk%d", o.made), Reason: fmt.Sprintf("for bulk%d", o.made),
		Operation: []string{"StopExecution", "StopExecution", "StartExecution",
			"DeleteExecution"}[o.r.IntN(4)]}
	rate := int64(1 + o.r.IntN(6))
	if q.Rate = &rate; o.r.IntN(2) == 0 {
		q.ExecutionNamePrefix = "a"
	} else {
		text, _ := json.Marshal(append(o.names[:len(o.names):len(o.names)], "none"))
		q.ExecutionNames = string(text)
	}
	o.c.note("owner acts in bulk", func() { o.expect(q) })
	made := ask(&o.flowOwner, "create bulk",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.BulkOperation, error) {
			return s.CreateBulkOperation(ctx, flowOwnerCaller, q)
		}, func(_ *cloudflow.BulkOperation, code fault.Code) {
			o.c.w.checked("bulk response")
			if code != "" {
				o.c.w.violate("bulk response", "the owner has made %+v and gets %s", q, code)
			}
		})
	if made && o.r.IntN(4) == 0 {
		made = o.c.sleep(time.Duration(o.r.IntN(5000))*time.Millisecond) && o.cancel(q)
	}
	return made && o.await(q)
}

// expect lets the world know what an operation may do from now on.
func (o *bulkOwner) expect(q cloudflow.CreateBulkOperationRequest) {
	w := o.c.w
	for _, partition := range w.partitions {
		r := w.holder(partition)
		if r == nil || r.x.Flow != o.name || r.x.Account != account {
			continue
		}
		name := r.x.Flow + "/" + r.x.Name
		switch q.Operation {
		case "StopExecution":
			w.referee.stops[name] = append(w.referee.stops[name], reference.Stop{
				Failure: reference.Failure{Name: "Stopped", Cause: q.Reason}})
		case "DeleteExecution":
			w.deletions.asked[partition] = true
		}
	}
}

func (o *bulkOwner) cancel(q cloudflow.CreateBulkOperationRequest) bool {
	return ask(&o.flowOwner, "stop bulk",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.BulkOperation, error) {
			return s.StopBulkOperation(ctx, flowOwnerCaller,
				cloudflow.BulkOperationRequest{FlowName: o.name, BulkName: q.BulkName})
		}, func(_ *cloudflow.BulkOperation, code fault.Code) {
			if code != "" {
				o.c.w.violate("bulk response", "the owner has stopped %s and gets %s", q.BulkName,
					code)
			}
		})
}

// await waits until an operation has ended, and judges its results.
func (o *bulkOwner) await(q cloudflow.CreateBulkOperationRequest) bool {
	var b *cloudflow.BulkOperation
	for b == nil || !strings.Contains("Completed Stopped", b.Status) {
		if !o.c.sleep(time.Duration(5000+o.r.IntN(20_000)) * time.Millisecond) {
			return false
		}
		if !ask(&o.flowOwner, "describe bulk",
			func(ctx context.Context, s *cloudflow.Service) (*cloudflow.BulkOperation, error) {
				return s.DescribeBulkOperation(ctx, flowOwnerCaller,
					cloudflow.BulkOperationRequest{FlowName: o.name, BulkName: q.BulkName})
			}, func(got *cloudflow.BulkOperation, code fault.Code) {
				if b = got; code != "" {
					o.c.w.violate("bulk response", "the owner asks for %s and gets %s", q.BulkName,
						code)
				}
			}) || b == nil {
			return false
		}
	}
	limit := int64(1000)
	return ask(&o.flowOwner, "list bulk results",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.BulkResultPage, error) {
			return s.ListBulkResults(ctx, flowOwnerCaller, cloudflow.ListBulkResultsRequest{
				FlowName: o.name, BulkName: q.BulkName, Limit: &limit})
		}, func(page *cloudflow.BulkResultPage, code fault.Code) {
			if code != "" {
				o.c.w.violate("bulk response", "the owner asks for the results of %s and gets %s",
					q.BulkName, code)
				return
			}
			o.judge(q, b, page.Results)
		})
}
