package console

import (
	"html/template"
	"strconv"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// executionPage shows one execution.
type executionPage struct {
	Execution *client.Execution
	Graph     template.HTML
	Timeline  template.HTML
	Failure   *history.Failure
	Given     string // what the task that failed was given, JSON text
	Waiting   []waitingTask
	MapRuns   []mapRunRow
	Children  []childLink
	Rows      *eventRows
	Read      int64 // how many events graph and timeline count, if there are more; else 0
	Full      bool  // and no more will be counted
	Hidden    int   // entries that the timeline leaves out
	Last      int64 // id of the last event that the page shows
	Denied    bool  // the reader may not see the history
	Express   bool  // nothing of it is kept
	Wrong     string
}

// Running reports whether the execution has not ended.
func (p *executionPage) Running() bool { return p.Execution.Status == flow.Running.String() }

// Redrivable reports whether a redrive may let the execution go on.
func (p *executionPage) Redrivable() bool {
	s := p.Execution.Status
	return !p.Express && p.Execution.MapRunName == "" && (s == flow.Failed.String() ||
		s == flow.TimedOut.String() || s == flow.Stopped.String())
}

// Long reports whether the input is too long to be repeated in a form of the page.
func (p *executionPage) Long() bool { return len(p.Execution.Input) > formInputMax }

// formInputMax is the longest input that the page repeats in a form, in bytes.
const formInputMax = 8 << 10

// State says what a script that follows the page waits for: "running", "reading" while not every
// event is counted, "" if nothing.
func (p *executionPage) State() string {
	switch {
	case p.Express || p.Denied:
		return ""
	case p.Read > 0 && !p.Full:
		return "reading"
	case p.Running():
		return "running"
	}
	return ""
}

// waitingTask is a task that waits for a report of its result.
type waitingTask struct {
	State string // with its branch or item: Ask[2]
	Event int64  // the id of its TaskScheduled
	Since client.Timestamp
	// HasToken: the flow puts the token into the task's parameters, so the result can be reported
	// from the page. The page never shows the token.
	HasToken bool
}

func (pr *pageRequest) execution() error { return pr.showExecution("") }

// describe returns the execution of the address.
func (pr *pageRequest) describe() (*client.Execution, error) {
	return pr.api.DescribeExecution(pr.ctx, cloudflow.DescribeExecutionRequest{
		FlowName: pr.r.PathValue("flow"), ExecutionName: pr.r.PathValue("execution")})
}

// showExecution shows the execution of the address, and what could not be done with it.
func (pr *pageRequest) showExecution(wrong string) error {
	x, err := pr.describe()
	if err != nil {
		return err
	}
	p := &executionPage{Execution: x, Wrong: wrong}
	if err := pr.fill(p); err != nil {
		return err
	}
	if p.Denied {
		return pr.ok("execution", x.Name, p)
	}
	if p.Rows, err = pr.bothEnds(x.FlowName, x.Name); err != nil {
		return err
	}
	p.Last = p.Rows.last(p.Last)
	return pr.ok("execution", x.Name, p)
}

// fill reads what the history says, without its events.
func (pr *pageRequest) fill(p *executionPage) error {
	x := p.Execution
	err := pr.known(x, func(k *knownRun) { pr.summarize(p, k) })
	if fault.CodeOf(err) == fault.AccessDenied {
		p.Denied = true
		return nil
	} else if err != nil {
		return err
	}
	if p.Read > 0 && !p.Running() {
		if p.Failure, err = pr.failureFromEnd(pr.ctx, x.FlowName, x.Name); err != nil {
			return err
		}
	}
	if p.Failure != nil {
		p.Given, err = pr.given(x.FlowName, x.Name, p.Failure.Scheduled)
	}
	return err
}

// summarize takes over what is known of a run, which it must not keep.
func (pr *pageRequest) summarize(p *executionPage, k *knownRun) {
	x, run := p.Execution, k.run
	p.Last = run.Events
	if !k.whole {
		p.Read, p.Full = run.Events, k.full
	}
	p.Failure = run.FirstFailure()
	if p.Running() {
		for _, task := range run.OpenTasks() {
			if task.Submitted != nil && len(p.Waiting) < waitingMax {
				p.Waiting = append(p.Waiting, waitingTask{task.At.String(), task.Scheduled.EventID,
					task.Submitted.Time, task.Token(x.Name) != ""})
			}
		}
	}
	p.MapRuns = pr.mapRunRows(x, run)
	p.Children = childLinks(run)
	p.Graph = drawing(x.FlowDefinition, x.FlowName+" "+x.Name, run.States)
	p.Timeline, p.Hidden = pr.timeline(x, &run.Spans)
}

// waitingMax is how many tasks that wait a page shows.
const waitingMax = 50

// setItems tells a drawing how far a MapRun is, which the history does not say.
func setItems(states *graph.Run, state string, n *cloudflow.ItemCounts) {
	if n != nil {
		states.SetItems(state, graph.Items{Total: n.Total, Ended: n.Succeed + n.Failed + n.Aborted,
			Failed: n.Failed})
	}
}

// report reports the result of a task that waits. The form names the task; its token stays here.
func (pr *pageRequest) report() error {
	x, err := pr.describe()
	if err != nil {
		return err
	}
	token := ""
	if err = pr.known(x, func(k *knownRun) {
		for _, task := range k.run.OpenTasks() {
			if task.Submitted != nil && strconv.FormatInt(task.Scheduled.EventID, 10) ==
				pr.r.PostFormValue("event") {
				token = task.Token(x.Name)
			}
		}
	}); err != nil {
		return err
	}
	if token == "" {
		return pr.showExecution(pr.page.T("no longer waits"))
	}
	if pr.r.PostFormValue("failed") != "" {
		q := cloudflow.ReportTaskFailedRequest{TaskToken: token, Error: pr.r.PostFormValue("error")}
		if cause := pr.r.PostFormValue("cause"); cause != "" {
			q.Cause = &cause
		}
		_, err = pr.api.ReportTaskFailed(pr.ctx, q)
	} else {
		_, err = pr.api.ReportTaskSucceeded(pr.ctx, cloudflow.ReportTaskSucceededRequest{
			TaskToken: token, Output: pr.r.PostFormValue("output")})
	}
	return pr.after(err)
}
