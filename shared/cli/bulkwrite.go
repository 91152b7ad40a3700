package cli

import (
	"bufio"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

// bulkFlags are the flags of the commands that make bulk operations.
type bulkFlags struct {
	filters     listFlags
	reason      string
	name        string
	rate        int64
	dryRun, yes bool
}

// bulkLong is the help of the commands that make bulk operations.
const bulkLong = "It acts on the executions that are named, or on those that the filters select. " +
	"It first says how many, and names\n" +
	"some; then it asks on a terminal, and a script confirms with --yes. The server carries the " +
	"operation out, even if this\n" +
	"machine is off: `bulk describe` shows how far it is, `bulk results` what became of each " +
	"execution."

func bulkStopCommand() *command {
	return bulkCommand("stop", "StopExecution", "Stop many executions",
		"# everything that runs since yesterday\n"+
			"millrace bulk stop orders --status running --since 24h --reason \"wrong price\"\n"+
			"# what would be stopped\n"+
			"millrace bulk stop orders --prefix batch-7- --dry-run")
}

func bulkStartCommand() *command {
	return bulkCommand("start", "StartExecution",
		"Start many executions again, with their inputs, as new executions",
		"# those that failed in the last hour, ten a second\n"+
			"millrace bulk start orders --status failed --since 1h --rate 10 --yes\n"+
			"millrace bulk start orders order-7 order-9")
}

func bulkRedriveCommand() *command {
	return bulkCommand("redrive", "RedriveExecution",
		"Let many failed executions go on from the states that failed",
		"millrace bulk redrive orders --status failed --since 24h --rate 10 --reason \"db was down\"")
}

func bulkDeleteCommand() *command {
	return bulkCommand("delete", "DeleteExecution",
		"Delete many executions that have ended, with their history",
		"millrace bulk delete orders --status succeeded --until 30d --dry-run")
}

func bulkCommand(verb, operation, short, examples string) *command {
	return &command{
		name: "bulk " + verb, args: "FLOW [EXECUTION…]", short: short, server: true, argsMin: 1,
		argsMax: -1, long: bulkLong, examples: examples,
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &bulkFlags{}
			f.StringVar(&o.filters.status, "status", "", "only those with `STATUS`")
			f.StringVar(&o.filters.prefix, "prefix", "", "only those whose name begins with `TEXT`")
			f.StringVar(&o.filters.since, "since", "",
				"only those started at or after `TIME`, as of `list`")
			f.StringVar(&o.filters.until, "until", "", "only those started before `TIME`")
			f.StringVar(&o.filters.qualifier, "qualifier", "",
				"only those started with this `VERSION` or alias")
			f.StringVar(&o.reason, "reason", "", "`TEXT` that says why; it is kept")
			f.StringVar(&o.name, "name", "", "`NAME` of the operation; made up if not given")
			f.Int64Var(&o.rate, "rate", 0, "at most `N` executions a second; 20 when not given")
			f.BoolVar(&o.dryRun, "dry-run", false, "say which executions, and do nothing")
			f.BoolVarP(&o.yes, "yes", "y", false, "do not ask")
			return withClient(func(c *invocation, api *client.Client) error {
				return o.run(c, api, operation)
			})
		},
	}
}

// request checks the flags and returns the request.
func (o *bulkFlags) request(
	c *invocation, operation string,
) (r cloudflow.CreateBulkOperationRequest, err error) {
	list, err := o.filters.request(c)
	if err != nil {
		return r, err
	}
	r = cloudflow.CreateBulkOperationRequest{FlowName: c.args[0], BulkName: o.name,
		Operation: operation, Status: list.Status, ExecutionNamePrefix: list.ExecutionNamePrefix,
		StartedTimeBegin: list.StartedTimeBegin, StartedTimeEnd: list.StartedTimeEnd,
		Qualifier: list.Qualifier, Reason: o.reason}
	if names := c.args[1:]; len(names) > 0 {
		text, _ := json.Marshal(names)
		r.ExecutionNames = string(text)
	}
	if c.given["rate"] {
		r.Rate = &o.rate
	}
	switch filtered := o.filters != (listFlags{}); {
	case len(c.args) > 1 && filtered:
		return r, c.wrong(errors.New("give executions or filters, not both"))
	case len(c.args) == 1 && !filtered:
		return r, c.wrong(errors.New("say which executions: their names, or a filter like " +
			"--status failed --since 1h"))
	case !o.yes && !o.dryRun && !c.Interactive:
		return r, c.wrong(errors.New("it acts on many executions; confirm that with --yes, " +
			"because there is no terminal to ask on"))
	}
	return r, nil
}

func (o *bulkFlags) run(c *invocation, api *client.Client, operation string) error {
	r, err := o.request(c, operation)
	if err != nil {
		return err
	}
	if o.dryRun || !o.yes {
		dry := true
		asked := r
		asked.DryRun = &dry
		got, err := retryThrottled(c, func() (*client.BulkOperation, error) {
			return api.CreateBulkOperation(c.ctx, asked)
		})
		if err != nil {
			return err
		}
		if o.dryRun {
			return c.show(got, func(w io.Writer) { showDryRun(w, got) })
		}
		showDryRun(c.Stderr, got)
		if got.DryRun == nil || got.DryRun.Matches == 0 || !c.agrees(operation) {
			return failf("nothing is done")
		}
	}
	if r.BulkName == "" {
		r.BulkName = newBulkName(c) // so that a repeated request finds its own operation
	}
	got, err := api.CreateBulkOperation(c.ctx, r)
	if err != nil {
		return err
	}
	return c.show(got, func(w io.Writer) {
		fmt.Fprintf(w, "bulk operation %s accepted; millrace bulk describe %[2]s %[1]s\n",
			visible(got.BulkName), visible(got.FlowName))
	})
}

func (c *invocation) agrees(operation string) bool {
	fmt.Fprintf(c.Stderr, "%s on all of them? [y/N] ", operation)
	answer, _ := bufio.NewReader(c.Stdin).ReadString('\n')
	answer = strings.ToLower(strings.TrimSpace(answer))
	return answer == "y" || answer == "yes"
}

func newBulkName(c *invocation) string {
	var b [4]byte
	rand.Read(b[:])
	return "bulk-" + c.Now().UTC().Format("20060102T150405") + "-" + hex.EncodeToString(b[:])
}

func showDryRun(w io.Writer, b *client.BulkOperation) {
	if b.DryRun == nil {
		return
	}
	more := ""
	if b.DryRun.More {
		more = "more than "
	}
	fmt.Fprintf(w, "%s%s of flow %s", more,
		plural(int(b.DryRun.Matches), "execution", "executions"), visible(b.FlowName))
	if b.AppliesTo != "" {
		fmt.Fprintf(w, ", only %s", visible(b.AppliesTo))
	}
	fmt.Fprintln(w)
	for _, name := range b.DryRun.Samples {
		fmt.Fprintf(w, "  %s\n", visible(name))
	}
	if left := b.DryRun.Matches - int64(len(b.DryRun.Samples)); left > 0 {
		fmt.Fprintf(w, "  and %d more\n", left)
	}
}
