package cli

import (
	"fmt"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

func executionDeleteCommand() *command {
	return &command{
		name: "execution delete", args: "FLOW EXECUTION…",
		short:  "Delete executions that have ended, with their history",
		server: true, argsMin: 2, argsMax: -1,
		long: "The names stay taken until the retention of the executions is over. The command " +
			"stops at the first execution\n" +
			"that cannot be deleted. An operation of Millrace: CloudFlow does not have it.",
		examples: "millrace execution delete orders order-7\n" +
			"# an execution that runs\n" +
			"millrace stop orders order-8 && millrace execution delete orders order-8",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient((*invocation).deleteExecutions)
		},
	}
}

func (c *invocation) deleteExecutions(api *client.Client) error {
	for _, name := range c.args[1:] {
		if err := c.deleteExecution(api, c.args[0], name); err != nil {
			return err
		}
		if !c.forPrograms() {
			fmt.Fprintf(c.Stdout, "execution %s of flow %s deleted\n", visible(name),
				visible(c.args[0]))
		}
	}
	if c.forPrograms() {
		return c.writeJSON(struct{ Deleted []string }{c.args[1:]})
	}
	return nil
}

// deleteExecution deletes one execution, and tries again while the server throttles that.
func (c *invocation) deleteExecution(api *client.Client, flowName, name string) error {
	_, err := retryThrottled(c, func() (struct{}, error) {
		return struct{}{}, api.DeleteExecution(c.ctx,
			cloudflow.DeleteExecutionRequest{FlowName: flowName, ExecutionName: name})
	})
	return err
}
