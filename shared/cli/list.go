package cli

import (
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// listFlags are the filters of `list`.
type listFlags struct {
	pages
	findFlags
	status, prefix, since, until, mapRun, qualifier string
}

func listCommand() *command {
	return &command{
		name: "list", args: "[FLOW]", short: "List executions, the newest first",
		server: true, argsMax: 1,
		long: "Without FLOW it lists the executions of all flows. ERROR is read for the first 20 " +
			"that failed; of the others it has the\nname, or … if the server does not say it.",
		examples: "millrace list orders\n" +
			"# what failed in the last day, of all flows\n" +
			"millrace list --status failed --since 24h\n" +
			"# by an order number: see `flow search-keys`\n" +
			"millrace list orders --search order=A-17\n" +
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
			o.findFlags.define(f)
			o.pages.define(f, "executions")
			return withClient(o.list)
		},
	}
}

// request checks the filters and returns the request. A table does not show inputs and outputs, so
// it does not request them.
func (o *listFlags) request(c *invocation) (cloudflow.ListExecutionsRequest, error) {
	r := cloudflow.ListExecutionsRequest{
		ExecutionNamePrefix: o.prefix, MapRunName: o.mapRun, Qualifier: o.qualifier,
	}
	for _, name := range flagValues["status"] {
		if strings.EqualFold(name, o.status) {
			r.Status = name
		}
	}
	if o.status != "" && r.Status == "" {
		return r, c.wrong(oneOf("--status", o.status, flagValues["status"]))
	}
	var err error
	if r.StartedTimeBegin, err = parseTime(o.since, c.Now()); err != nil {
		return r, c.wrong(fmt.Errorf("--since cannot be %q: %w", o.since, err))
	}
	if r.StartedTimeEnd, err = parseTime(o.until, c.Now()); err != nil {
		return r, c.wrong(fmt.Errorf("--until cannot be %q: %w", o.until, err))
	}
	if !c.forPrograms() {
		brief := true
		r.MetadataOnly = &brief
	}
	if err := o.findFlags.set(&r); err != nil {
		return r, c.wrong(err)
	}
	return r, nil
}

func (o *listFlags) list(c *invocation, api *client.Client) error {
	r, err := o.request(c)
	if err != nil {
		return err
	}
	var executions []client.Execution
	var more bool
	if len(c.args) == 1 {
		r.FlowName = c.args[0]
		executions, more, err = o.ofFlow(c, api, r)
	} else {
		executions, more, err = o.ofAllFlows(c, api, r)
	}
	if err != nil {
		return err
	}
	c.more(more, o.pages)
	return c.show(struct{ Executions []client.Execution }{executions}, func(w io.Writer) {
		rows(w, o.table(c, api, executions))
	})
}

// ofFlow returns the executions of one flow.
func (o *listFlags) ofFlow(
	c *invocation, api *client.Client, r cloudflow.ListExecutionsRequest,
) ([]client.Execution, bool, error) {
	return collect(c, o.pages, 99, func(token string, n int64) ([]client.Execution, string, error) {
		r.NextToken, r.Limit = token, &n
		got, err := api.ListExecutions(c.ctx, r)
		if err != nil {
			return nil, "", err
		}
		return got.Executions, got.NextToken, nil
	})
}

// ofAllFlows returns the executions of all flows, the newest first. The API of CloudFlow lists those
// of one flow alone.
func (o *listFlags) ofAllFlows(
	c *invocation, api *client.Client, r cloudflow.ListExecutionsRequest,
) (all []client.Execution, more bool, err error) {
	if all, more, ok, err := o.listAll(c, api, r); ok {
		return all, more, err
	}
	flows, _, err := collectFlows(c, api, pages{limit: 1, all: true})
	if err != nil {
		return nil, false, err
	}
	all = []client.Execution{}
	for _, f := range flows {
		r.FlowName = f.Name
		some, cut, err := o.ofFlow(c, api, r)
		if fault.CodeOf(err) == fault.FlowNotExists && !unreachable(err) {
			continue // it was deleted meanwhile
		}
		if err != nil {
			return nil, false, err
		}
		all, more = append(all, some...), more || cut
	}
	slices.SortStableFunc(all, func(a, b client.Execution) int {
		return b.StartedTime.Time().Compare(a.StartedTime.Time())
	})
	if !o.all && int64(len(all)) > o.limit {
		all, more = all[:o.limit], true
	}
	return all, more, nil
}

// table returns the lines of the list. Executions of all flows have a column FLOW.
func (o *listFlags) table(
	c *invocation, api *client.Client, executions []client.Execution,
) [][]string {
	lines := [][]string{{"NAME", "STATUS", "STARTED", "TOOK", "ERROR"}}
	errors := errorReader{c: c, api: api}
	for i := range executions {
		e := &executions[i]
		took := between(e.StartedTime, e.StoppedTime)
		if took == "" && moment(e.StartedTime) != "" {
			took = duration(max(0, c.Now().Sub(e.StartedTime.Time())))
		}
		lines = append(lines, []string{e.Name, status(e), moment(e.StartedTime), took,
			cut(errors.read(e), detailMax)})
	}
	if len(c.args) == 0 {
		lines[0] = append([]string{"FLOW"}, lines[0]...)
		for i := range executions {
			lines[i+1] = append([]string{executions[i].FlowName}, lines[i+1]...)
		}
	}
	return lines
}

// listErrorsMax is how many executions a list reads the error of: only the history has it.
const listErrorsMax = 20

// errorReader reads the errors of executions that failed.
type errorReader struct {
	c     *invocation
	api   *client.Client
	count int
}

// read returns the error of an execution; "" if it has none, "…" if it is not read. A list does
// not fail because a history cannot be read.
func (r *errorReader) read(e *client.Execution) string {
	if !final(e) || e.Status == flow.Succeeded.String() {
		return ""
	}
	if r.count++; r.count > listErrorsMax {
		if e.ErrorName != "" {
			return e.ErrorName
		}
		return "…"
	}
	w := r.c.newWatcher(r.api, e.FlowName, e.Name)
	_, err := retryThrottled(r.c, func() (bool, error) { return w.readEvents(r.c.ctx) })
	if failed := w.failure(); err == nil && failed != nil {
		return errorText(failed)
	}
	return ""
}
