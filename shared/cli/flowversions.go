package cli

import (
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

func flowPublishCommand() *command {
	return &command{
		name: "flow publish", args: "NAME", short: "Make the flow, as it is now, a version",
		server: true, argsMin: 1, argsMax: 1,
		long: "A version is a snapshot of the definition, the role and the environment, and never " +
			"changes. Executions run it\n" +
			"if they are started with --qualifier, by its number or by an alias that routes to it.",
		examples: "millrace flow publish orders --description \"refunds\"\n" +
			"# the number alone\n" +
			"version=$(millrace flow publish orders -q)",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			description := f.String("description", "", "`TEXT` for people")
			quiet := f.BoolP("quiet", "q", false, "print the number of the version alone")
			return withClient(func(c *invocation, api *client.Client) error {
				got, err := c.publish(api, c.args[0], *description)
				if err != nil {
					return err
				}
				return c.show(got, func(w io.Writer) {
					if *quiet {
						fmt.Fprintln(w, visible(got.Version))
						return
					}
					fmt.Fprintf(w, "version %s of flow %s published\n", visible(got.Version),
						visible(c.args[0]))
				})
			})
		},
	}
}

func (c *invocation) publish(
	api *client.Client, flowName, description string,
) (*client.FlowVersion, error) {
	return api.PublishFlowVersion(c.ctx, cloudflow.PublishFlowVersionRequest{FlowName: flowName,
		Description: description})
}

func flowVersionsCommand() *command {
	return &command{
		name: "flow versions", args: "NAME", short: "List the versions of a flow, or delete some",
		server: true, argsMin: 1, argsMax: 1,
		long: "A version that an alias uses cannot be deleted. Executions that run a deleted " +
			"version go on.",
		examples: "millrace flow versions orders\n" +
			"# versions that nobody starts any more\n" +
			"millrace flow versions orders --delete 1 --delete 2",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			p := &pages{}
			p.define(f, "versions")
			remove := f.StringArray("delete", nil, "delete `VERSION`; repeat it for more")
			f.Lookup("delete").DefValue = "" // the help shows no empty list
			return withClient(func(c *invocation, api *client.Client) error {
				if len(*remove) > 0 {
					return c.deleteVersions(api, *remove)
				}
				return c.listVersions(api, *p)
			})
		},
	}
}

func (c *invocation) deleteVersions(api *client.Client, versions []string) error {
	for _, version := range versions {
		if err := api.DeleteFlowVersion(c.ctx, cloudflow.DeleteFlowVersionRequest{
			FlowName: c.args[0], FlowVersion: version}); err != nil {
			return err
		}
		if !c.forPrograms() {
			fmt.Fprintf(c.Stdout, "version %s of flow %s deleted\n", visible(version),
				visible(c.args[0]))
		}
	}
	if c.forPrograms() {
		return c.writeJSON(struct{ Deleted []string }{versions})
	}
	return nil
}

func (c *invocation) listVersions(api *client.Client, p pages) error {
	versions, more, err := c.versions(api, c.args[0], p)
	if err != nil {
		return err
	}
	c.more(more, p)
	return c.show(struct{ FlowVersions []client.FlowVersion }{versions}, func(w io.Writer) {
		lines := [][]string{{"VERSION", "PUBLISHED", "DESCRIPTION"}}
		for _, v := range versions {
			lines = append(lines, []string{v.Version, moment(v.CreatedTime),
				cut(v.Description, 60)})
		}
		rows(w, lines)
	})
}

// versions returns the versions of a flow, the newest first.
func (c *invocation) versions(
	api *client.Client, flowName string, p pages,
) (list []client.FlowVersion, more bool, err error) {
	return collect(c, p, 1000, func(token string, n int64) ([]client.FlowVersion, string, error) {
		got, err := api.ListFlowVersions(c.ctx, cloudflow.ListOfFlowRequest{FlowName: flowName,
			NextToken: token, Limit: &n})
		if err != nil {
			return nil, "", err
		}
		return got.FlowVersions, got.NextToken, nil
	})
}

// publishApplied publishes a flow that `flow apply` has written, unless its newest version is the
// same: a script may repeat the command.
func (c *invocation) publishApplied(api *client.Client, flowName string) error {
	newest, _, err := c.versions(api, flowName, pages{limit: 1})
	if err != nil {
		return err
	}
	if len(newest) > 0 {
		same, err := c.sameAsVersion(api, flowName, newest[0].Version)
		if err != nil {
			return err
		}
		if same {
			newest[0].FlowName = flowName
			return c.showPublished(&newest[0], "unchanged")
		}
	}
	got, err := c.publish(api, flowName, "")
	if err != nil {
		return err
	}
	return c.showPublished(got, "published")
}

func (c *invocation) showPublished(v *client.FlowVersion, what string) error {
	return c.show(v, func(w io.Writer) {
		fmt.Fprintf(w, "version %s of flow %s %s\n", visible(v.Version), visible(v.FlowName), what)
	})
}

// sameAsVersion reports whether a flow is as it was when a version was published.
func (c *invocation) sameAsVersion(
	api *client.Client, flowName, version string,
) (bool, error) {
	current, err := retryThrottled(c, func() (*client.Flow, error) {
		return api.DescribeFlow(c.ctx, flowName)
	})
	if err != nil {
		return false, err
	}
	published, err := retryThrottled(c, func() (*client.Flow, error) {
		return api.DescribeFlowVersion(c.ctx, flowName, version)
	})
	if err != nil {
		return false, err
	}
	environment := ""
	if current.Environment != nil {
		environment = variables(current.Environment.Variables).wire()
	}
	return current.Type == published.Type && same(published, cloudflow.UpdateFlowRequest{
		Definition: &current.Definition, RoleArn: &current.RoleArn,
		ExternalStorageLocation: &current.ExternalStorageLocation, Environment: &environment,
	}), nil
}
