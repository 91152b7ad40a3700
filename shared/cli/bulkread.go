package cli

import (
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

func bulkDescribeCommand() *command {
	return &command{
		name: "bulk describe", args: "FLOW BULK", short: "Show how far a bulk operation is",
		server: true, argsMin: 2, argsMax: 2,
		long: "Accepted is not succeeded: executions that were started again have succeeded when " +
			"they have ended so.\n" +
			"The operation is Waiting until all of them have ended.",
		examples: "millrace bulk describe orders bulk-20261201T101500-1f2e3d4c",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient(func(c *invocation, api *client.Client) error {
				got, err := retryThrottled(c, func() (*client.BulkOperation, error) {
					return api.DescribeBulkOperation(c.ctx, cloudflow.BulkOperationRequest{
						FlowName: c.args[0], BulkName: c.args[1]})
				})
				return c.bulkShown(got, err)
			})
		},
	}
}

func bulkCancelCommand() *command {
	return &command{
		name: "bulk cancel", args: "FLOW BULK", short: "Let a bulk operation take no more executions",
		server: true, argsMin: 2, argsMax: 2,
		long:     "What it has done stays done.",
		examples: "millrace bulk cancel orders bulk-20261201T101500-1f2e3d4c",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient(func(c *invocation, api *client.Client) error {
				got, err := api.StopBulkOperation(c.ctx, cloudflow.BulkOperationRequest{
					FlowName: c.args[0], BulkName: c.args[1]})
				return c.bulkShown(got, err)
			})
		},
	}
}

func (c *invocation) bulkShown(b *client.BulkOperation, err error) error {
	if err != nil {
		return err
	}
	return c.show(b, func(w io.Writer) {
		n := b.Counts
		fields(w, "Flow", b.FlowName, "Name", b.BulkName, "Operation", b.Operation,
			"Status", b.Status, "Reason", b.Reason, "Created by", b.CreatedBy,
			"Applies to", b.AppliesTo, "Created", moment(b.CreatedTime),
			"Ended", moment(b.StoppedTime), "Results", countsText(n))
	})
}

func countsText(n cloudflow.BulkCounts) string {
	return fmt.Sprintf("%d accepted (%d running, %d succeeded, %d failed, %d timed out, "+
		"%d stopped), %d rejected", n.Accepted, n.Running, n.Succeeded, n.Failed, n.TimedOut,
		n.Stopped, n.Rejected)
}

func bulkListCommand() *command {
	return &command{
		name: "bulk list", args: "FLOW", short: "List the bulk operations of a flow", server: true,
		argsMin: 1, argsMax: 1,
		examples: "millrace bulk list orders",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			p := &pages{}
			p.define(f, "bulk operations")
			return withClient(func(c *invocation, api *client.Client) error {
				list, more, err := collect(c, *p, 99,
					func(token string, n int64) ([]client.BulkOperation, string, error) {
						got, err := api.ListBulkOperations(c.ctx, cloudflow.ListOfFlowRequest{
							FlowName: c.args[0], NextToken: token, Limit: &n})
						if err != nil {
							return nil, "", err
						}
						return got.BulkOperations, got.NextToken, nil
					})
				if err != nil {
					return err
				}
				c.more(more, *p)
				return c.show(struct{ BulkOperations []client.BulkOperation }{list},
					func(w io.Writer) { bulkTable(w, list) })
			})
		},
	}
}

func bulkTable(w io.Writer, list []client.BulkOperation) {
	lines := [][]string{{"NAME", "OPERATION", "STATUS", "ACCEPTED", "REJECTED", "BY", "REASON"}}
	for i := range list {
		b := &list[i]
		lines = append(lines, []string{b.BulkName, b.Operation, b.Status,
			strconv.FormatInt(b.Counts.Accepted, 10), strconv.FormatInt(b.Counts.Rejected, 10),
			b.CreatedBy, cut(b.Reason, 60)})
	}
	rows(w, lines)
}

func bulkResultsCommand() *command {
	return &command{
		name: "bulk results", args: "FLOW BULK",
		short:  "Show what a bulk operation did with each execution",
		server: true, argsMin: 2, argsMax: 2,
		examples: "millrace bulk results orders bulk-20261201T101500-1f2e3d4c --all",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			p := &pages{}
			p.define(f, "results")
			return withClient(func(c *invocation, api *client.Client) error {
				list, more, err := collect(c, *p, 1000,
					func(token string, n int64) ([]client.BulkResult, string, error) {
						got, err := api.ListBulkResults(c.ctx, cloudflow.ListBulkResultsRequest{
							FlowName: c.args[0], BulkName: c.args[1], NextToken: token, Limit: &n})
						if err != nil {
							return nil, "", err
						}
						return got.Results, got.NextToken, nil
					})
				if err != nil {
					return err
				}
				c.more(more, *p)
				return c.show(struct{ Results []client.BulkResult }{list},
					func(w io.Writer) { bulkResultTable(w, list) })
			})
		},
	}
}

func bulkResultTable(w io.Writer, list []client.BulkResult) {
	lines := [][]string{{"EXECUTION", "RESULT", "STARTED", "STATUS", "MESSAGE"}}
	for i := range list {
		r := &list[i]
		result := "accepted"
		if r.ErrorCode != "" {
			result = r.ErrorCode
		}
		lines = append(lines, []string{r.ExecutionName, result, r.StartedExecutionName, r.Status,
			cut(r.ErrorMessage, 80)})
	}
	rows(w, lines)
}
