package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
	"millrace/shared/value"
)

// whyMax is how many executions `why` goes through, from parent to child.
const whyMax = 32

// failureStep is one execution on the way to the root of a failure.
type failureStep struct {
	FlowName, ExecutionName, Status string
	State                           string `json:",omitempty"` // with item or branch, and attempt
	ErrorName, Cause                string `json:",omitempty"`
	Input                           string `json:",omitempty"` // that the state was given

	childFlow string // of the task that failed, if it starts executions
	mapRun    string // of the distributed Map that failed
}

func whyCommand() *command {
	return &command{
		name: "why", args: "FLOW EXECUTION", short: "Show the root of a failure", server: true,
		argsMin: 2, argsMax: 2,
		long: "Goes from an execution that failed to the execution of a sub flow or of a map run " +
			"that it failed because of,\n" +
			"and on from there. It shows the state that failed first in each, with error and cause, " +
			"and what the last one was\n" +
			"given. Children are found on a Millrace server alone.",
		examples: "millrace why orders order-7",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient((*invocation).why)
		},
	}
}

func (c *invocation) why(api *client.Client) error {
	steps := []*failureStep{}
	flowName, name := c.args[0], c.args[1]
	for len(steps) < whyMax {
		e, err := retryThrottled(c, func() (*client.Execution, error) {
			return api.DescribeExecution(c.ctx, cloudflow.DescribeExecutionRequest{
				FlowName: flowName, ExecutionName: name})
		})
		if err != nil {
			return err
		}
		step, err := c.failureStep(api, e)
		if err != nil {
			return err
		}
		steps = append(steps, step)
		child := c.failedChild(api, step)
		if child == nil {
			break
		}
		flowName, name = child.FlowName, child.Name
	}
	if steps[0].ErrorName == "" && !c.forPrograms() {
		fmt.Fprintf(c.Stdout, "execution %s of flow %s has not failed: it is %s\n",
			visible(c.args[1]), visible(c.args[0]), steps[0].Status)
		return nil
	}
	return c.show(struct{ Steps []*failureStep }{steps}, func(w io.Writer) { showWhy(w, steps) })
}

func showWhy(w io.Writer, steps []*failureStep) {
	for i, s := range steps {
		lead := ""
		if i > 0 {
			lead = "because of "
		}
		fmt.Fprintf(w, "%s%s/%s: %s\n", lead, visible(s.FlowName), visible(s.ExecutionName),
			s.Status)
		fields(w, "  failed in", s.State, "  error", s.ErrorName, "  cause", s.Cause)
	}
	document(w, "  given", steps[len(steps)-1].Input)
}

// failureStep reads how an execution has failed from its history.
func (c *invocation) failureStep(api *client.Client, e *client.Execution) (*failureStep, error) {
	step := &failureStep{FlowName: e.FlowName, ExecutionName: e.Name, Status: e.Status}
	if !final(e) || e.Status == flow.Succeeded.String() {
		return step, nil
	}
	w := c.newWatcher(api, e.FlowName, e.Name)
	w.define(e)
	failures, given := &history.Failures{}, map[*history.Place]*client.Event{}
	mapRuns := map[*history.Place]string{}
	w.onEvent = func(e *client.Event, at *history.Place) {
		failures.Add(e)
		var detail struct {
			Input  any `json:"input"`
			Output any `json:"output"`
		}
		if at == nil || value.Unmarshal([]byte(e.EventDetail), &detail) != nil {
			return
		}
		if detail.Input != nil {
			given[at] = e
		}
		if e.Type == "MapRunStarted" {
			mapRuns[at] = textAt(detail.Output, "MapRunName")
		}
	}
	if _, err := retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) }); err != nil {
		return nil, err
	}
	if failed := w.failure(); failed != nil {
		step.ErrorName, step.Cause = failed.Name, failed.Cause
		step.State = failedIn(failures, w.places, w.last)
		first := failures.First(w.last)
		if err := history.ErrorOf(first); err != nil && w.places.Of(first.EventID) != nil {
			step.ErrorName, step.Cause = err.Name, err.Cause
		}
		at := w.places.Of(first.EventID)
		step.mapRun = mapRuns[at]
		step.setGiven(given[at])
	}
	return step, nil
}

// setGiven sets what the state was given, from the last event that says it, and the flow that its
// task starts.
func (s *failureStep) setGiven(e *client.Event) {
	if e == nil {
		return
	}
	var detail map[string]any
	if value.Unmarshal([]byte(e.EventDetail), &detail) != nil {
		return
	}
	s.Input = string(value.Encode(detail["input"]))
	if e.Type != "TaskScheduled" {
		return
	}
	for _, from := range [...]any{detail["input"], any(detail)} {
		resource := textAt(from, "resourceArn")
		if name, ok := flowOfResource(resource); ok {
			s.childFlow = name
			return
		}
		if name := textAt(from, "FlowName"); name != "" {
			s.childFlow, _ = flow.SplitQualified(name)
			return
		}
	}
}

// textAt returns a member of an object that is a text; "" if there is none.
func textAt(v any, name string) string {
	object, _ := v.(map[string]any)
	text, _ := object[name].(string)
	return text
}

// flowOfResource returns the flow that acs:fnf:{region}:{account}:flow/{name}[/{qualifier}] names.
func flowOfResource(resource string) (name string, ok bool) {
	_, rest, ok := strings.Cut(resource, ":flow/")
	name, _ = flow.SplitQualified(rest)
	return name, ok && strings.HasPrefix(resource, "acs:fnf:") && name != ""
}

// failedChild returns the execution that a step failed because of: of those that it has started and
// that have not ended well, the one with its error that ended last; of the children of a MapRun the
// one that failed first; nil if there is none, or none is known.
func (c *invocation) failedChild(api *client.Client, s *failureStep) *client.Execution {
	brief := true
	r := cloudflow.ListExecutionsRequest{FlowName: s.childFlow, MetadataOnly: &brief,
		Source: "execution:" + s.FlowName + "/" + s.ExecutionName}
	if s.mapRun != "" {
		r.FlowName, r.Source, r.MapRunName = s.FlowName, "", s.mapRun
	}
	if r.FlowName == "" {
		return nil
	}
	var found *client.Execution
	for _, status := range [...]flow.Status{flow.Failed, flow.TimedOut, flow.Stopped} {
		r.Status = status.String()
		o := &listFlags{pages: pages{limit: 100}}
		children, _, err := o.ofFlow(c, api, r)
		if err != nil {
			return nil // CloudFlow has no such filter
		}
		if s.mapRun != "" && found != nil {
			break // the others were stopped with it
		}
		for i := range children {
			e := &children[i]
			if s.mapRun != "" {
				found = e // the list is the newest first
				continue
			}
			if found == nil || e.ErrorName == s.ErrorName && (found.ErrorName != s.ErrorName ||
				e.StoppedTime.Time().After(found.StoppedTime.Time())) {
				found = e
			}
		}
	}
	return found
}
