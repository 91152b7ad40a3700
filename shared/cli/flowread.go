package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

func flowDescribeCommand() *command {
	return &command{
		name: "flow describe", args: "NAME", short: "Show a flow", server: true, argsMin: 1,
		argsMax: 1,
		examples: "millrace flow describe orders\n" +
			"millrace flow describe orders --version 3\n" +
			"# only the definition, as it was sent; on a terminal control characters are " +
			"escaped\n" +
			"millrace flow describe orders --definition > orders.yaml",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			only := f.Bool("definition", false, "print the definition alone")
			version := f.String("version", "", "`VERSION` to show instead of the current flow")
			return withClient(func(c *invocation, api *client.Client) error {
				got, err := retryThrottled(c, func() (*client.Flow, error) {
					if *version != "" {
						return api.DescribeFlowVersion(c.ctx, c.args[0], *version)
					}
					return api.DescribeFlow(c.ctx, c.args[0])
				})
				if err != nil {
					return err
				}
				if *only {
					return c.definitionAlone(got.Definition)
				}
				return c.show(got, func(w io.Writer) { showFlow(w, got) })
			})
		},
	}
}

// definitionAlone prints a definition as it was sent. On a terminal, control characters are
// escaped.
func (c *invocation) definitionAlone(text string) error {
	if c.Terminal {
		text = escaped(text)
	}
	_, err := io.WriteString(c.Stdout, text)
	return err
}

func showFlow(w io.Writer, f *client.Flow) {
	var environment []string
	if f.Environment != nil {
		for _, v := range f.Environment.Variables {
			environment = append(environment, v.Name+"="+v.Value)
		}
	}
	fields(w, "Name", f.Name, "Id", f.ID, "Mode", cmp.Or(f.ExecutionMode, flow.Standard),
		"Description", f.Description,
		"Role", f.RoleArn, "Storage", f.ExternalStorageLocation, "Environment",
		strings.Join(environment, " "), "Hidden paths", strings.Join(f.HiddenPaths, " "),
		"Created", moment(f.CreatedTime), "Modified", moment(f.LastModifiedTime))
	fmt.Fprintf(w, "Definition:\n")
	for line := range strings.Lines(f.Definition) {
		fmt.Fprintf(w, "  %s\n", printable(strings.TrimRight(line, "\r\n")))
	}
}

func (p *pages) define(f *pflag.FlagSet, what string) {
	f.Int64Var(&p.limit, "limit", 60, "show at most `N` "+what)
	f.BoolVar(&p.all, "all", false, "show all of them")
}

// more notes that a list is incomplete.
func (c *invocation) more(more bool, p pages) {
	if more && !c.forPrograms() {
		fmt.Fprintf(c.Stderr, "there are more than %d; --limit or --all shows them\n", p.limit)
	}
}

func flowListCommand() *command {
	return &command{
		name: "flow list", short: "List the flows", server: true,
		examples: "millrace flow list\n" +
			"# the names alone\n" +
			"millrace flow list --all --output json | jq -r '.Flows[].Name'",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			p := &pages{}
			p.define(f, "flows")
			return withClient(func(c *invocation, api *client.Client) error {
				flows, more, err := collectFlows(c, api, *p)
				if err != nil {
					return err
				}
				c.more(more, *p)
				return c.show(struct{ Flows []client.Flow }{flows}, func(w io.Writer) {
					flowTable(w, flows)
				})
			})
		},
	}
}

func collectFlows(c *invocation, api *client.Client, p pages) ([]client.Flow, bool, error) {
	return collect(c, p, 999, func(token string, n int64) ([]client.Flow, string, error) {
		got, err := api.ListFlows(c.ctx, cloudflow.ListFlowsRequest{NextToken: token, Limit: &n})
		if err != nil {
			return nil, "", err
		}
		return got.Flows, got.NextToken, nil
	})
}

func flowTable(w io.Writer, flows []client.Flow) {
	lines := [][]string{{"NAME", "MODE", "MODIFIED", "DESCRIPTION"}}
	for _, f := range flows {
		lines = append(lines, []string{f.Name, cmp.Or(f.ExecutionMode, flow.Standard),
			moment(f.LastModifiedTime), cut(f.Description, 60)})
	}
	rows(w, lines)
}
