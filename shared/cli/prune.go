package cli

import (
	"bufio"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

// pruneSample is how many names a prune shows beforehand.
const pruneSample = 10

// pruneFlags are the flags of `prune`.
type pruneFlags struct {
	olderThan, status, prefix string
	dryRun, yes               bool
}

func pruneCommand() *command {
	return &command{
		name: "prune", args: "FLOW", short: "Delete executions that ended long ago",
		server: true, argsMin: 1, argsMax: 1,
		long: "Deletes the executions of a flow that ended before a time, with their history. It " +
			"first says how many, and names\n" +
			"some; then it asks on a terminal, and a script confirms with --yes. Executions that " +
			"run stay, and so do\n" +
			"executions whose end is still to be reported.",
		examples: "# what would be deleted\n" +
			"millrace prune orders --older-than 30d --dry-run\n" +
			"# those that succeeded, in a script\n" +
			"millrace prune orders --older-than 7d --status succeeded --yes",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &pruneFlags{}
			f.StringVar(&o.olderThan, "older-than", "",
				"only those that ended before `TIME`: 30d, 12h, or a time as of `list --since`")
			f.StringVar(&o.status, "status", "",
				"only those with `STATUS` Stopped, Succeeded, Failed or TimedOut")
			f.StringVar(&o.prefix, "prefix", "", "only those whose name begins with `TEXT`")
			f.BoolVar(&o.dryRun, "dry-run", false, "say what would be deleted, and delete nothing")
			f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
			return withClient(o.prune)
		},
	}
}

// request checks the flags and returns the request of the list. What ended before a time started
// before it.
func (o *pruneFlags) request(c *invocation) (r cloudflow.ListExecutionsRequest, err error) {
	brief := true
	r = cloudflow.ListExecutionsRequest{FlowName: c.args[0], ExecutionNamePrefix: o.prefix,
		MetadataOnly: &brief}
	for _, name := range flagValues["status"] {
		if status, _ := flow.ParseStatus(name); status.Final() &&
			strings.EqualFold(name, o.status) {
			r.Status = name
		}
	}
	switch {
	case o.olderThan == "":
		return r, c.wrong(errors.New("say which: --older-than 30d"))
	case o.status != "" && r.Status == "":
		return r, c.wrong(fmt.Errorf("--status cannot be %q: only what has ended is deleted, "+
			"so it is Stopped, Succeeded, Failed or TimedOut", o.status))
	case !o.yes && !o.dryRun && !c.Interactive:
		return r, c.wrong(errors.New("it deletes executions with all history; confirm that " +
			"with --yes, because there is no terminal to ask on"))
	}
	if r.StartedTimeEnd, err = parseTime(o.olderThan, c.Now()); err != nil {
		return r, c.wrong(fmt.Errorf("--older-than cannot be %q: %w", o.olderThan, err))
	}
	return r, nil
}

func (o *pruneFlags) prune(c *invocation, api *client.Client) error {
	r, err := o.request(c)
	if err != nil {
		return err
	}
	names, err := o.find(c, api, r)
	if err != nil {
		return err
	}
	if !c.forPrograms() {
		c.showPruned(r, names)
	}
	if o.dryRun || len(names) == 0 {
		return c.pruned(names, nil, nil, o.dryRun)
	}
	if !o.yes && !c.confirm(fmt.Sprintf("delete %s, with all history? [y/N] ",
		plural(len(names), "execution", "executions"))) {
		return failf("nothing is deleted")
	}
	var deleted, kept []string
	for _, name := range names {
		err := c.deleteExecution(api, r.FlowName, name)
		switch code := fault.CodeOf(err); {
		case err == nil:
			deleted = append(deleted, name)
		case unreachable(err):
			return err
		case code == fault.ExecutionNotExists: // somebody else has deleted it
		case code == fault.ExecutionNotCompleted, code == fault.ConcurrentUpdateError:
			kept = append(kept, name)
		default:
			return err
		}
	}
	return c.pruned(names, deleted, kept, false)
}

// find returns the names of the executions to delete.
func (o *pruneFlags) find(
	c *invocation, api *client.Client, r cloudflow.ListExecutionsRequest,
) (names []string, err error) {
	before, err := time.Parse(time.RFC3339, r.StartedTimeEnd)
	if err != nil {
		return nil, err
	}
	all, _, err := collect(c, pages{limit: 1, all: true}, 99,
		func(token string, n int64) ([]client.Execution, string, error) {
			r.NextToken, r.Limit = token, &n
			got, err := api.ListExecutions(c.ctx, r)
			if err != nil {
				return nil, "", err
			}
			return got.Executions, got.NextToken, nil
		})
	for i := range all {
		if e := &all[i]; final(e) && e.StoppedTime.Time().Before(before) {
			names = append(names, e.Name)
		}
	}
	return names, err
}

// showPruned says what is about to be deleted.
func (c *invocation) showPruned(r cloudflow.ListExecutionsRequest, names []string) {
	fmt.Fprintf(c.Stdout, "%s of flow %s ended before %s\n",
		plural(len(names), "execution", "executions"), visible(r.FlowName), r.StartedTimeEnd)
	for i, name := range names {
		if i == pruneSample {
			fmt.Fprintf(c.Stdout, "  and %d more\n", len(names)-i)
			break
		}
		fmt.Fprintf(c.Stdout, "  %s\n", visible(name))
	}
}

// pruned shows the result of a prune.
func (c *invocation) pruned(found, deleted, kept []string, dryRun bool) error {
	if c.forPrograms() {
		return c.writeJSON(struct {
			DryRun               bool
			Found, Deleted, Kept []string
		}{dryRun, notNil(found), notNil(deleted), notNil(kept)})
	}
	if !dryRun && len(found) > 0 {
		fmt.Fprintf(c.Stdout, "%d deleted\n", len(deleted))
	}
	for _, name := range kept {
		fmt.Fprintf(c.Stdout, "%s stays: it is still to report its end\n", visible(name))
	}
	return nil
}

// notNil returns a list that JSON shows as [] if it is empty.
func notNil(names []string) []string {
	if names == nil {
		return []string{}
	}
	return names
}

// confirm asks a question on the terminal and reports whether the answer is yes.
func (c *invocation) confirm(question string) bool {
	fmt.Fprint(c.Stderr, question)
	answer, _ := bufio.NewReader(c.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}
