package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// failureGroup is a group of failures in a list.
type failureGroup struct {
	FlowName, State, ErrorName, GroupKey string
	Count                                int
	First, Last                          client.Timestamp // when they ended
	Example                              string           // the name of the last one
	Cause                                string           `json:",omitempty"` // of the last one
}

// failuresFlags are the flags of `failures`.
type failuresFlags struct {
	listFlags
	groupBy string
}

func failuresCommand() *command {
	return &command{
		name: "failures", args: "[FLOW]", short: "Show what fails, grouped", server: true,
		argsMax: 1,
		long: "Groups the executions that failed or timed out: by flow, state, error, and the " +
			"cause without numbers and ids.\n" +
			"The causes are those of the last execution of the first 20 groups. Without FLOW it " +
			"looks at all flows.\n`list --group KEY` shows the executions of a group.",
		examples: "millrace failures\n" +
			"millrace failures orders --since 7d --group-by error",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &failuresFlags{}
			f.StringVar(&o.since, "since", "24h", "only those that started at or after `TIME`, "+
				"as of `list`")
			f.StringVar(&o.until, "until", "", "only those started before `TIME`")
			f.StringVar(&o.groupBy, "group-by", "state,error,cause",
				"`WORDS` of state, error and cause, separated by commas")
			o.all, o.limit = true, 1
			return withClient(o.failures)
		},
	}
}

func (o *failuresFlags) failures(c *invocation, api *client.Client) error {
	by := map[string]bool{}
	for _, word := range strings.Split(o.groupBy, ",") {
		if !slices.Contains([]string{"state", "error", "cause"}, word) {
			return c.wrong(fmt.Errorf("--group-by cannot be %q: it is state, error and cause, or "+
				"some of them", o.groupBy))
		}
		by[word] = true
	}
	var failed []client.Execution
	for _, status := range [...]flow.Status{flow.Failed, flow.TimedOut} {
		o.status = status.String()
		r, err := o.request(c)
		if err != nil {
			return err
		}
		brief := true
		r.MetadataOnly = &brief
		var some []client.Execution
		if len(c.args) == 1 {
			r.FlowName = c.args[0]
			some, _, err = o.ofFlow(c, api, r)
		} else {
			some, _, err = o.ofAllFlows(c, api, r)
		}
		if err != nil {
			return err
		}
		failed = append(failed, some...)
	}
	groups := groupFailures(failed, by)
	o.readCauses(c, api, groups, failed)
	return c.show(struct{ Groups []*failureGroup }{groups}, func(w io.Writer) {
		rows(w, failureTable(groups))
	})
}

// groupFailures groups executions, the group with the last failure first.
func groupFailures(failed []client.Execution, by map[string]bool) []*failureGroup {
	groups := map[failureGroup]*failureGroup{}
	all := []*failureGroup{}
	for i := range failed {
		e := &failed[i]
		key := failureGroup{FlowName: e.FlowName}
		if by["state"] {
			key.State = e.FailedState
		}
		if by["error"] {
			key.ErrorName = e.ErrorName
		}
		if by["cause"] {
			key.GroupKey = e.GroupKey
		}
		g := groups[key]
		if g == nil {
			g = &failureGroup{FlowName: key.FlowName, State: key.State, ErrorName: key.ErrorName,
				GroupKey: key.GroupKey, First: e.StoppedTime}
			groups[key] = g
			all = append(all, g)
		}
		g.Count++
		if e.StoppedTime.Time().Before(g.First.Time()) {
			g.First = e.StoppedTime
		}
		if g.Example == "" || e.StoppedTime.Time().After(g.Last.Time()) {
			g.Last, g.Example = e.StoppedTime, e.Name
		}
	}
	slices.SortStableFunc(all, func(a, b *failureGroup) int {
		return b.Last.Time().Compare(a.Last.Time())
	})
	return all
}

// readCauses reads the error of the last execution of each group.
func (o *failuresFlags) readCauses(
	c *invocation, api *client.Client, groups []*failureGroup, failed []client.Execution,
) {
	reader := errorReader{c: c, api: api}
	for _, g := range groups {
		at := slices.IndexFunc(failed, func(e client.Execution) bool {
			return e.FlowName == g.FlowName && e.Name == g.Example
		})
		if text := reader.read(&failed[at]); strings.Contains(text, ": ") {
			_, g.Cause, _ = strings.Cut(text, ": ")
		}
	}
}

func failureTable(groups []*failureGroup) [][]string {
	lines := [][]string{{"FLOW", "STATE", "ERROR", "COUNT", "LAST", "EXAMPLE", "GROUP", "CAUSE"}}
	for _, g := range groups {
		lines = append(lines, []string{g.FlowName, g.State, g.ErrorName, strconv.Itoa(g.Count),
			moment(g.Last), g.Example, g.GroupKey, cut(g.Cause, detailMax)})
	}
	return lines
}
