package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

func flowDeleteCommand() *command {
	return &command{
		name: "flow delete", args: "NAME…",
		short:  "Delete flows, with their executions and all history",
		server: true, argsMin: 1, argsMax: -1,
		long: "Running executions of the flow end, and the history of all its executions is " +
			"gone. On a terminal the command\n" +
			"says how many run, and asks; a script confirms with --yes. It stops at the first " +
			"flow that cannot be deleted.",
		examples: "millrace flow delete orders\n" +
			"# in a script\n" +
			"millrace flow delete orders --yes",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			yes := f.BoolP("yes", "y", false, "do not ask")
			return withClient(func(c *invocation, api *client.Client) error {
				return c.deleteFlows(api, *yes)
			})
		},
	}
}

func (c *invocation) deleteFlows(api *client.Client, yes bool) error {
	if !yes && !c.Interactive {
		return c.wrong(errors.New("it ends running executions and takes all history away; " +
			"confirm that with --yes, because there is no terminal to ask on"))
	}
	answers := bufio.NewReader(c.Stdin)
	for _, name := range c.args {
		if !yes {
			if err := c.confirmDelete(api, answers, name); err != nil {
				return err
			}
		}
		if err := api.DeleteFlow(c.ctx, name); err != nil {
			return err
		}
		if !c.forPrograms() {
			fmt.Fprintf(c.Stdout, "flow %s deleted\n", visible(name))
		}
	}
	if c.forPrograms() {
		return c.writeJSON(struct{ Deleted []string }{c.args})
	}
	return nil
}

// confirmDelete says what the deletion of a flow takes away, and returns an error unless the answer
// is yes.
func (c *invocation) confirmDelete(
	api *client.Client, answers *bufio.Reader, name string,
) error {
	limit, brief := int64(completionMax), true
	got, err := retryThrottled(c, func() (*client.ExecutionList, error) {
		return api.ListExecutions(c.ctx, cloudflow.ListExecutionsRequest{FlowName: name,
			Status: flow.Running.String(), Limit: &limit, MetadataOnly: &brief})
	})
	if err != nil {
		return err
	}
	running := "none of its executions runs"
	if n := len(got.Executions); n > 0 {
		running = plural(n, "running execution ends", "running executions end")
		if got.NextToken != "" {
			running = "more than " + running
		}
	}
	fmt.Fprintf(c.Stderr, "delete flow %s? %s; the history of all its executions is gone [y/N] ",
		visible(name), running)
	answer, _ := answers.ReadString('\n')
	switch strings.ToLower(strings.TrimSpace(answer)) {
	case "y", "yes":
		return nil
	}
	return failf("flow %s is not deleted", name)
}
