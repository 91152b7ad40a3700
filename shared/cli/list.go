package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// listFlags are the filters of `list`.
type listFlags struct {
	pages
	status, prefix, since, until, mapRun, qualifier string
}

func listCommand() *command {
	return &command{
		name: "list", args: "FLOW", short: "List the executions of a flow, the newest first",
		server: true, argsMin: 1, argsMax: 1,
		examples: "millrace list orders\n" +
			"# what failed in the last day\n" +
			"millrace list orders --status Failed --since 24h\n" +
			"# everything that started on one day\n" +
			"millrace list orders --since 2026-11-22 --until 2026-11-23 --all",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &listFlags{}
			f.StringVar(&o.status, "status", "",
				"only those with `STATUS` Starting, Running, Stopped, Succeeded, Failed or "+
					"TimedOut")
			f.StringVar(&o.prefix, "prefix", "", "only those whose name begins with `TEXT`")
			f.StringVar(&o.since, "since", "",
				"only those started at or after `TIME`: 2026-11-22T10:00:00Z, 2026-11-22, or 90m "+
					"ago: 90m, 7d")
			f.StringVar(&o.until, "until", "", "only those started before `TIME`")
			f.StringVar(&o.mapRun, "map-run", "", "only the children of the map run `NAME`")
			f.StringVar(&o.qualifier, "qualifier", "",
				"only those started with this `VERSION` or alias")
			o.define(f, "executions")
			return withClient(o.list)
		},
	}
}

// request checks the filters and returns the request. A table does not show inputs and outputs, so
// it does not request them.
func (o *listFlags) request(c *invocation) (cloudflow.ListExecutionsRequest, error) {
	r := cloudflow.ListExecutionsRequest{
		FlowName: c.args[0], Status: o.status, ExecutionNamePrefix: o.prefix, MapRunName: o.mapRun,
		Qualifier: o.qualifier,
	}
	if _, ok := flow.ParseStatus(o.status); !ok && o.status != "" {
		return r, c.wrong(
			errors.New("--status is Starting, Running, Stopped, Succeeded, Failed or TimedOut"))
	}
	var err error
	if r.StartedTimeBegin, err = parseTime(o.since, c.Now()); err != nil {
		return r, c.wrong(fmt.Errorf("--since cannot be %q: %w", o.since, err))
	}
	if r.StartedTimeEnd, err = parseTime(o.until, c.Now()); err != nil {
		return r, c.wrong(fmt.Errorf("--until cannot be %q: %w", o.until, err))
	}
	if c.output != "json" {
		brief := true
		r.MetadataOnly = &brief
	}
	return r, nil
}

func (o *listFlags) list(c *invocation, api *client.Client) error {
	r, err := o.request(c)
	if err != nil {
		return err
	}
	executions, more, err := collect(c, o.pages, 99,
		func(token string, n int64) ([]client.Execution, string, error) {
			r.NextToken, r.Limit = token, &n
			got, err := api.ListExecutions(c.ctx, r)
			if err != nil {
				return nil, "", err
			}
			return got.Executions, got.NextToken, nil
		})
	if err != nil {
		return err
	}
	c.more(more, o.pages)
	return c.show(struct{ Executions []client.Execution }{executions}, func(w io.Writer) {
		lines := [][]string{{"NAME", "STATUS", "STARTED", "TOOK"}}
		for i := range executions {
			e := &executions[i]
			lines = append(lines, []string{e.Name, status(e), moment(e.StartedTime),
				between(e.StartedTime, e.StoppedTime)})
		}
		rows(w, lines)
	})
}
