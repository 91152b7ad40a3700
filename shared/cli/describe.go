package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

func describeCommand() *command {
	return &command{
		name: "describe", args: "FLOW EXECUTION", short: "Show an execution", server: true,
		argsMin: 2, argsMax: 2,
		long: "For an execution that failed it shows which state failed first. " +
			"For one that runs it\nshows the open states: for how long, and what " +
			"each waits for.\n\n" +
			"With --wait it follows the execution to its end, as `start --wait` does, and ends " +
			"with the same exit codes.",
		examples: "millrace describe orders order-7\n" +
			"# wait for the end of an execution that runs already\n" +
			"millrace describe orders order-7 --wait --timeout 1h\n" +
			"# the output alone\n" +
			"millrace describe orders order-7 --output json | jq -r .Output",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			wait := f.BoolP("wait", "w", false,
				"wait for the end, show the states, print the output")
			quiet := f.BoolP("quiet", "q", false, "with --wait: do not show the states")
			timeout := f.Duration("timeout", 0, "with --wait: wait for `DURATION` at most")
			return withClient(func(c *invocation, api *client.Client) error {
				switch {
				case c.given["timeout"] && !*wait:
					return c.wrong(errors.New("--timeout goes with --wait"))
				case c.given["timeout"] && *timeout <= 0:
					return c.wrong(errors.New("--timeout must be above 0"))
				case *wait:
					return c.wait(api, c.args[0], c.args[1], *timeout, *quiet)
				}
				return c.describe(api)
			})
		},
	}
}

// describe shows an execution. The error of a failed execution and the pending states of a running
// one are found only in the history.
func (c *invocation) describe(api *client.Client) error {
	e, err := retryThrottled(c, func() (*client.Execution, error) {
		return api.DescribeExecution(c.ctx,
			cloudflow.DescribeExecutionRequest{FlowName: c.args[0], ExecutionName: c.args[1]})
	})
	if err != nil {
		return err
	}
	w := c.newWatcher(api, e.FlowName, e.Name)
	w.define(e)
	states := &pendingStates{places: w.places, latest: map[int64]*client.Event{}}
	failures := &history.Failures{}
	var failed *flow.Error
	switch {
	case !final(e) && c.output == "table":
		w.lenient, w.onEvent = true, states.handle
		_, err = retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) })
	case final(e) && e.Status != flow.Succeeded.String():
		w.onEvent = func(e *client.Event, _ *history.Place) { failures.Add(e) }
		_, err = retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) })
		failed = w.failure()
	}
	if err != nil {
		return err
	}
	return c.show(endedJSON(e, failed), func(out io.Writer) {
		where, message := "", ""
		if failed != nil {
			where, message = failedIn(failures, w.places, w.last), errorText(failed)
		}
		fields(out, "Flow", e.FlowName, "Execution", e.Name, "Status", status(e),
			"Failed in", where, "Error", message, "Started", moment(e.StartedTime),
			"Ended", moment(e.StoppedTime), "Took", between(e.StartedTime, e.StoppedTime))
		if states.show(out, c.Now()) && e.Input != "" {
			fmt.Fprintln(out)
		}
		document(out, "Input", e.Input)
		document(out, "Output", e.Output)
		showHidden(out, e.Hidden)
	})
}

// showHidden says what the server does not show of payloads, and why.
func showHidden(w io.Writer, h *cloudflow.Hidden) {
	if h == nil {
		return
	}
	for _, p := range [...]struct {
		title string
		shape *cloudflow.Shape
	}{{"Input", h.Input}, {"Output", h.Output}} {
		if p.shape != nil {
			fmt.Fprintf(w, "%s: %s; the key has not the right fnf:ReadPayload\n", p.title, p.shape)
		}
	}
	if len(h.Paths) > 0 {
		fmt.Fprintf(w, "Hidden by the flow: %s; only the key that started it sees them\n",
			visible(strings.Join(h.Paths, " ")))
	}
}

// failedIn returns the state that failed first of those whose failures led to the last event, with
// its item or branch and its attempt; "" if no state failed.
func failedIn(f *history.Failures, places *history.Places, last *client.Event) string {
	at := places.Of(f.First(last).EventID)
	switch {
	case at == nil:
		return ""
	case at.Attempt > 0:
		return fmt.Sprintf("%s, attempt %d", at, at.Attempt)
	}
	return at.String()
}
