package cli

import (
	"errors"
	"flag"
	"io"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc"
)

func describeCommand() *command {
	return &command{
		name: "describe", args: "FLOW EXECUTION", short: "Show an execution", server: true, least: 2, most: 2,
		long: "With --wait it follows the execution to its end, as `start --wait` does, and ends with the same exit codes.",
		examples: "millrace describe orders order-7\n" +
			"# wait for the end of an execution that runs already\n" +
			"millrace describe orders order-7 --wait --timeout 1h\n" +
			"# the output alone\n" +
			"millrace describe orders order-7 --output json | jq -r .Output",
		define: func(f *flag.FlagSet) func(*call) error {
			wait := f.Bool("wait", false, "wait for the end, show the states, print the output")
			quiet := f.Bool("quiet", false, "with --wait: do not show the states")
			timeout := f.Duration("timeout", 0, "with --wait: wait for `DURATION` at most")
			return connected(func(c *call, client *rpc.Client) error {
				switch {
				case c.given["timeout"] && !*wait:
					return c.wrong(errors.New("--timeout goes with --wait"))
				case c.given["timeout"] && *timeout <= 0:
					return c.wrong(errors.New("--timeout must be above 0"))
				case *wait:
					return c.wait(client, c.args[0], c.args[1], *timeout, *quiet)
				}
				return c.describe(client)
			})
		},
	}
}

// describe shows an execution. Why it failed stands in its history only.
func (c *call) describe(client *rpc.Client) error {
	e, err := reading(c, func() (*rpc.Execution, error) {
		return client.DescribeExecution(c.ctx, cloudflow.DescribeExecutionRequest{FlowName: c.args[0], ExecutionName: c.args[1]})
	})
	if err != nil {
		return err
	}
	var failed *flow.Error
	if final(e) && e.Status != flow.Succeeded.String() {
		w := &watcher{c: c, client: client, flow: e.FlowName, name: e.Name}
		if _, err := reading(c, func() (bool, error) { return w.drain(c.ctx) }); err != nil {
			return err
		}
		failed = w.failure()
	}
	return c.show(endedJSON(e, failed), func(w io.Writer) { showExecution(w, e, failed) })
}
