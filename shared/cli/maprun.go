package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

func mapRunDescribeCommand() *command {
	return &command{
		name: "maprun describe", args: "FLOW EXECUTION MAPRUN", server: true, argsMin: 3, argsMax: 3,
		short: "Show the run of a distributed Map",
		long: "`millrace history` shows the name of a MapRun in the output of MapRunStarted. The " +
			"counts are those of items.",
		examples: "millrace maprun describe orders order-7 c39142f1345b196d678333c41f113200",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient(func(c *invocation, api *client.Client) error {
				got, err := retryThrottled(c, func() (*client.MapRun, error) {
					return api.DescribeMapRun(c.ctx, c.mapRun())
				})
				if err != nil {
					return err
				}
				return c.show(got, func(w io.Writer) { showMapRun(w, got) })
			})
		},
	}
}

// mapRun returns the MapRun that the arguments name.
func (c *invocation) mapRun() cloudflow.MapRunRequest {
	return cloudflow.MapRunRequest{
		FlowName: c.args[0], ExecutionName: c.args[1], MapRunName: c.args[2]}
}

func showMapRun(w io.Writer, r *client.MapRun) {
	n := cloudflow.ItemCounts{}
	if r.ItemCounts != nil {
		n = *r.ItemCounts
	}
	counts := fmt.Sprintf("%d of %d ended: %d succeeded, %d failed, %d aborted; %d running, "+
		"%d pending", n.Succeed+n.Failed+n.Aborted, n.Total, n.Succeed, n.Failed, n.Aborted,
		n.Running, n.Pending)
	fields(w, "MapRun", r.MapRunName, "Execution", r.ExecutionName, "Status", r.Status,
		"Items", counts, "Concurrency", strconv.FormatInt(r.Concurrency, 10),
		"Tolerated", fmt.Sprintf("%d failed items, %s %%", r.ToleratedFailedCount,
			decimal(r.ToleratedFailedPercentage)),
		"Started", moment(r.StartedTime), "Ended", moment(r.StoppedTime),
		"Took", between(r.StartedTime, r.StoppedTime))
}

// decimal returns a number without an exponent.
func decimal(f float64) string { return strconv.FormatFloat(f, 'f', -1, 64) }

func mapRunUpdateCommand() *command {
	return &command{
		name: "maprun update", args: "FLOW EXECUTION MAPRUN", server: true, argsMin: 3, argsMax: 3,
		short: "Change the run of a distributed Map while it runs",
		examples: "# ten children at the same time, from now on\n" +
			"millrace maprun update orders order-7 c39142f1345b196d678333c41f113200 " +
			"--concurrency 10",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			concurrency := f.Int64("concurrency", 0, "`N` children at the same time")
			count := f.Int64("tolerated-count", 0, "`N` failed items do not fail the Map")
			percentage := f.Float64("tolerated-percentage", 0,
				"`PERCENT` of failed items do not fail the Map")
			return withClient(func(c *invocation, api *client.Client) error {
				r := cloudflow.UpdateMapRunRequest{
					FlowName: c.args[0], ExecutionName: c.args[1], MapRunName: c.args[2]}
				if c.given["concurrency"] {
					r.Concurrency = concurrency
				}
				if c.given["tolerated-count"] {
					r.ToleratedFailedCount = count
				}
				if c.given["tolerated-percentage"] {
					r.ToleratedFailedPercentage = percentage
				}
				if r.Concurrency == nil && r.ToleratedFailedCount == nil &&
					r.ToleratedFailedPercentage == nil {
					return c.wrong(errors.New("say what to change: --concurrency, " +
						"--tolerated-count or --tolerated-percentage"))
				}
				got, err := api.UpdateMapRun(c.ctx, r)
				if err != nil {
					return err
				}
				return c.show(got, func(w io.Writer) {
					fields(w, "MapRun", got.MapRunName, "Concurrency",
						strconv.FormatInt(got.Concurrency, 10), "Tolerated",
						fmt.Sprintf("%d failed items, %s %%", got.ToleratedFailedCount,
							decimal(got.ToleratedFailedPercentage)))
				})
			})
		},
	}
}

func mapRunChildrenCommand() *command {
	return &command{
		name: "maprun children", args: "FLOW MAPRUN", server: true, argsMin: 2, argsMax: 2,
		short: "List the child executions of a distributed Map",
		long: "Only Standard children are listed: an Express one is nowhere but in its result. " +
			"`millrace list FLOW --map-run MAPRUN` has more filters.",
		examples: "millrace maprun children orders c39142f1345b196d678333c41f113200 " +
			"--status failed",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &listFlags{}
			f.StringVar(&o.status, "status", "", "only those with `STATUS`")
			o.pages.define(f, "executions")
			return withClient(func(c *invocation, api *client.Client) error {
				o.mapRun, c.args = c.args[1], c.args[:1]
				return o.list(c, api)
			})
		},
	}
}
