package cli

import (
	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

func stopCommand() *command {
	return &command{
		name: "stop", args: "FLOW EXECUTION", short: "Stop a running execution", server: true,
		argsMin: 2, argsMax: 2, long: "A stopped execution runs nothing more, no catch either.",
		examples: "millrace stop orders order-7\n" +
			"millrace stop orders order-7 --error Cancelled --cause \"the customer called\"",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			name := f.String("error", "",
				"`NAME` of the error that its history and a waiting parent get")
			cause := f.String("cause", "", "`TEXT` that says why")
			quiet := f.BoolP("quiet", "q", false, "print the name of the execution alone")
			return withClient(func(c *invocation, api *client.Client) error {
				r := cloudflow.StopExecutionRequest{FlowName: c.args[0], ExecutionName: c.args[1]}
				if c.given["error"] {
					r.Error = name
				}
				if c.given["cause"] {
					r.Cause = cause
				}
				got, err := api.StopExecution(c.ctx, r)
				if err != nil {
					return err
				}
				return c.done(got, "stopped", *quiet)
			})
		},
	}
}
