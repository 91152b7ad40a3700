package cli

import (
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// startFlags are the flags of `start`.
type startFlags struct {
	name, input, callback, qualifier string
	wait, sync, quiet                bool
	timeout                          time.Duration
}

func startCommand() *command {
	return &command{
		name: "start", args: "FLOW", short: "Start an execution", server: true, argsMin: 1,
		argsMax: 1,
		long: "With --wait the command shows on the standard error each state that the " +
			"execution enters and leaves.\n" +
			"If the execution succeeds, the command prints its output, JSON, on the standard " +
			"output. The exit code is 0 if\n" +
			"the execution succeeded, 1 if it ended in another way, 4 if --timeout passed " +
			"before. The command goes on\n" +
			"when the server is restarted. The execution goes on if the command ends.\n\n" +
			"Without --wait one line is printed. `describe` shows the execution.\n\n" +
			"A flow uses a --name once: while that execution runs, another start returns the " +
			"running one.",
		examples: "# start, and look later\n" +
			"millrace start orders --name order-7 --input '{\"id\": 7}'\n" +
			"# the name that the server made up\n" +
			"name=$(millrace start orders -q)\n" +
			"# wait for the end; the output goes to a file\n" +
			"millrace start orders --input @order.json --wait --timeout 10m > result.json\n" +
			"# an Express flow, which responds at once\n" +
			"echo '{\"id\": 7}' | millrace start quote --input - --sync",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &startFlags{}
			f.StringVarP(&o.name, "name", "n", "",
				"`NAME` of the execution; the server makes one up when not given")
			f.StringVarP(&o.input, "input", "i", "",
				"`JSON` object, @FILE, or - for the standard input; {} when not given")
			f.StringVar(&o.callback, "callback-token", "",
				"`TOKEN` of a waiting task, which gets the end of the execution")
			f.StringVar(&o.qualifier, "qualifier", "", "`VERSION` or alias of the flow")
			f.BoolVarP(&o.wait, "wait", "w", false, "wait for the end and show the states")
			f.BoolVar(&o.sync, "sync", false,
				"run an Express flow in one request and print its output")
			f.BoolVarP(&o.quiet, "quiet", "q", false,
				"print the name of the execution alone; with --wait, do not show the states")
			f.DurationVar(&o.timeout, "timeout", 0,
				"with --wait or --sync: wait for `DURATION` at most")
			return withClient(o.start)
		},
	}
}

func (o *startFlags) check(c *invocation) error {
	switch {
	case o.wait && o.sync:
		return c.wrong(errors.New("--wait and --sync exclude each other"))
	case o.sync && o.callback != "":
		return c.wrong(errors.New("--sync takes no --callback-token"))
	case c.given["timeout"] && !o.wait && !o.sync:
		return c.wrong(errors.New("--timeout goes with --wait or --sync"))
	case c.given["timeout"] && o.timeout <= 0:
		return c.wrong(errors.New("--timeout must be above 0"))
	}
	return nil
}

func (o *startFlags) start(c *invocation, api *client.Client) error {
	if err := o.check(c); err != nil {
		return err
	}
	input, err := c.object("input", o.input)
	if err != nil {
		return err
	}
	r := cloudflow.StartExecutionRequest{
		FlowName: c.args[0], ExecutionName: o.name, Input: input, CallbackToken: o.callback,
		Qualifier: o.qualifier,
	}
	if o.sync {
		return c.startSync(api, r, o.timeout)
	}
	got, err := api.StartExecution(c.ctx, r)
	if err != nil {
		return err
	}
	c.serverSeen = true
	if o.wait {
		return c.wait(api, got.FlowName, got.Name, o.timeout, o.quiet)
	}
	return c.done(got, "started", o.quiet)
}

// done shows in one line what was done with an execution, or its name alone.
func (c *invocation) done(e *client.Execution, what string, quiet bool) error {
	return c.show(e, func(w io.Writer) {
		if quiet {
			fmt.Fprintln(w, visible(e.Name))
			return
		}
		fmt.Fprintf(w, "execution %s of flow %s %s\n", visible(e.Name), visible(e.FlowName), what)
	})
}

// startSync runs an Express flow in one request.
func (c *invocation) startSync(
	api *client.Client, r cloudflow.StartExecutionRequest, timeout time.Duration,
) error {
	ctx, cancel := c.within(timeout)
	defer cancel()
	got, err := api.StartSyncExecution(ctx, r)
	switch {
	case err != nil && ctx.Err() != nil && c.ctx.Err() == nil:
		c.say(fmt.Sprintf("no end within %v", timeout))
		return errQuiet{ExitWaiting}
	case err != nil:
		return err
	}
	e := &client.Execution{
		FlowName: got.FlowName, Name: got.Name, Status: got.Status, Output: got.Output,
		StartedTime: got.StartedTime, StoppedTime: got.StoppedTime,
	}
	if c.forPrograms() {
		if err := c.writeJSON(got); err != nil {
			return err
		}
	}
	return c.ended(e, &flow.Error{Name: got.ErrorCode, Cause: got.ErrorMessage})
}

// status returns the status of an execution. CloudFlow may respond to a start without one: then it
// is Starting.
func status(e *client.Execution) string {
	if e.Status == "" {
		return flow.Starting.String()
	}
	return e.Status
}

func errorText(e *flow.Error) string {
	if e.Cause == "" {
		return e.Name
	}
	return e.Name + ": " + e.Cause
}
