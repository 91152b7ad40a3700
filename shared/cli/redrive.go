package cli

import (
	"errors"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// redriveFlags are the flags of `redrive`.
type redriveFlags struct {
	wait, quiet bool
	timeout     time.Duration
}

func redriveCommand() *command {
	return &command{
		name: "redrive", args: "FLOW EXECUTION", short: "Let a failed execution go on",
		server: true, argsMin: 2, argsMax: 2,
		long: "An execution that has failed, was stopped or has timed out goes on from the states " +
			"that failed or were open,\nwith their inputs as they were and the definition that it " +
			"was started with. What has succeeded is not run\nagain. Retries and the time limit " +
			"count anew.\n\n" +
			"This works for 14 days after the end (RedriveDays).",
		examples: "millrace redrive orders order-7\n" +
			"# wait for the end; the output goes to a file\n" +
			"millrace redrive orders order-7 --wait > result.json",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &redriveFlags{}
			f.BoolVarP(&o.wait, "wait", "w", false, "wait for the end and show the states")
			f.BoolVarP(&o.quiet, "quiet", "q", false,
				"print the name of the execution alone; with --wait, do not show the states")
			f.DurationVar(&o.timeout, "timeout", 0, "with --wait: wait for `DURATION` at most")
			return withClient(o.redrive)
		},
	}
}

func (o *redriveFlags) redrive(c *invocation, api *client.Client) error {
	switch {
	case c.given["timeout"] && !o.wait:
		return c.wrong(errors.New("--timeout goes with --wait"))
	case c.given["timeout"] && o.timeout <= 0:
		return c.wrong(errors.New("--timeout must be above 0"))
	}
	flowName, name := c.args[0], c.args[1]
	// The count makes a repeated request the same redrive.
	x, err := api.DescribeExecution(c.ctx,
		cloudflow.DescribeExecutionRequest{FlowName: flowName, ExecutionName: name})
	if err != nil {
		return err
	}
	got, err := api.RedriveExecution(c.ctx, cloudflow.RedriveExecutionRequest{
		FlowName: flowName, ExecutionName: name, RedriveCount: &x.RedriveCount})
	if err != nil {
		return err
	}
	c.serverSeen = true
	if o.wait {
		return c.wait(api, got.FlowName, got.Name, o.timeout, o.quiet)
	}
	return c.done(got, "redriven", o.quiet)
}
