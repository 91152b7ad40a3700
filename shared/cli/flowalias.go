package cli

import (
	"errors"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// aliasFlags are the flags of `flow alias`.
type aliasFlags struct {
	description string
	remove      bool
	over        time.Duration
	steps       int
}

func flowAliasCommand() *command {
	return &command{
		name: "flow alias", args: "NAME [ALIAS] [VERSION…]",
		short:  "Show the aliases of a flow, or route one to versions",
		server: true, argsMin: 1, argsMax: 4,
		long: "An alias routes the starts that name it in --qualifier to one or two versions. One " +
			"VERSION gets all of them; with\n" +
			"VERSION=WEIGHT each gets its share, and the weights add up to 100. The command creates " +
			"the alias if it does not\n" +
			"exist. Without VERSION it shows the alias, without ALIAS all.\n\n" +
			"With --over it shifts the starts from the version that the alias has now to VERSION, " +
			"step by step, and ends when\n" +
			"all of them go there. If it is interrupted, the alias stays as it is: the same " +
			"command goes on from there, and\n" +
			"one with the former version goes back.",
		examples: "millrace flow alias orders live 7\n" +
			"# a tenth of the starts run version 8\n" +
			"millrace flow alias orders live 7=90 8=10\n" +
			"# from what live has now to version 8, in 10 steps over half an hour\n" +
			"millrace flow alias orders live 8 --over 30m",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &aliasFlags{}
			f.StringVar(&o.description, "description", "", "`TEXT` for people")
			f.BoolVar(&o.remove, "delete", false, "delete ALIAS")
			f.DurationVar(&o.over, "over", 0, "shift the starts to VERSION over `DURATION`")
			f.IntVar(&o.steps, "steps", 10, "with --over: in `N` steps")
			return withClient(o.run)
		},
	}
}

func (o *aliasFlags) check(c *invocation) error {
	routes := len(c.args) - 2
	switch {
	case (o.remove || c.given["description"]) && routes < 0:
		return c.wrong(errors.New("say which: an argument is missing: ALIAS"))
	case o.remove && (routes > 0 || c.given["description"]):
		return c.wrong(errors.New("--delete goes with nothing but NAME and ALIAS"))
	case c.given["steps"] && !c.given["over"]:
		return c.wrong(errors.New("--steps goes with --over"))
	case c.given["over"] && (routes != 1 || strings.Contains(c.args[2], "=")):
		return c.wrong(errors.New("--over goes with one VERSION, without a weight"))
	case c.given["over"] && o.over <= 0:
		return c.wrong(errors.New("--over must be above 0"))
	case o.steps < 2 || o.steps > 100:
		return c.wrong(errors.New("--steps is from 2 to 100"))
	}
	return nil
}

func (o *aliasFlags) run(c *invocation, api *client.Client) error {
	if err := o.check(c); err != nil {
		return err
	}
	switch {
	case len(c.args) == 1:
		return c.listAliases(api)
	case o.remove:
		return c.deleteAlias(api)
	case c.given["over"]:
		return o.shift(c, api)
	case len(c.args) == 2 && !c.given["description"]:
		got, err := c.describeAlias(api)
		if err != nil {
			return err
		}
		return c.show(got, func(w io.Writer) { aliasTable(w, []client.FlowAlias{*got}) })
	}
	routes, err := c.routes(c.args[2:])
	if err != nil {
		return err
	}
	return o.route(c, api, routes)
}

// routes reads VERSION and VERSION=WEIGHT. A version alone gets all starts.
func (c *invocation) routes(args []string) (routes []client.Route, err error) {
	for _, arg := range args {
		version, weight, weighted := strings.Cut(arg, "=")
		r := client.Route{Version: version, Weight: 100}
		if weighted {
			if r.Weight, err = strconv.Atoi(weight); err != nil {
				return nil, c.wrong(fmt.Errorf("%q is no VERSION=WEIGHT, like 8=10", arg))
			}
		} else if len(args) > 1 {
			return nil, c.wrong(fmt.Errorf("%q has no weight: write %s=WEIGHT, and let the "+
				"weights add up to 100", arg, arg))
		}
		routes = append(routes, r)
	}
	return routes, nil
}

// route creates the alias or changes it; nil routes stay as they are.
func (o *aliasFlags) route(c *invocation, api *client.Client, routes []client.Route) error {
	update := cloudflow.UpdateFlowAliasRequest{FlowName: c.args[0], Name: c.args[1]}
	if c.given["description"] {
		update.Description = &o.description
	}
	text := client.EncodeRoutes(routes)
	if routes != nil {
		update.RoutingConfigurations = &text
	}
	got, err := api.UpdateFlowAlias(c.ctx, update)
	if fault.CodeOf(err) == fault.FlowAliasNotExists && !unreachable(err) && routes != nil {
		got, err = api.CreateFlowAlias(c.ctx, cloudflow.CreateFlowAliasRequest{
			FlowName: c.args[0], Name: c.args[1], RoutingConfigurations: text,
			Description: o.description})
	}
	if err != nil {
		return err
	}
	return c.show(got, func(w io.Writer) { c.routed(w, got) })
}

// routed prints where an alias routes to.
func (c *invocation) routed(w io.Writer, a *client.FlowAlias) {
	fmt.Fprintf(w, "alias %s of flow %s routes to %s\n", visible(a.Name), visible(c.args[0]),
		visible(routesText(a.RoutingConfigurations)))
}

// routesText shows routes as the command takes them. A single version has no weight.
func routesText(routes []client.Route) string {
	if len(routes) == 1 {
		return routes[0].Version
	}
	var list []string
	for _, r := range routes {
		list = append(list, fmt.Sprintf("%s=%d", r.Version, r.Weight))
	}
	return strings.Join(list, " ")
}

func (c *invocation) describeAlias(api *client.Client) (*client.FlowAlias, error) {
	return retryThrottled(c, func() (*client.FlowAlias, error) {
		return api.DescribeFlowAlias(c.ctx,
			cloudflow.FlowAliasRequest{FlowName: c.args[0], Name: c.args[1]})
	})
}

func (c *invocation) deleteAlias(api *client.Client) error {
	err := api.DeleteFlowAlias(c.ctx,
		cloudflow.FlowAliasRequest{FlowName: c.args[0], Name: c.args[1]})
	if err != nil {
		return err
	}
	return c.show(struct{ Deleted []string }{c.args[1:2]}, func(w io.Writer) {
		fmt.Fprintf(w, "alias %s of flow %s deleted\n", visible(c.args[1]), visible(c.args[0]))
	})
}

func (c *invocation) listAliases(api *client.Client) error {
	list, _, err := collect(c, pages{limit: 1, all: true}, 1000,
		func(token string, n int64) ([]client.FlowAlias, string, error) {
			got, err := api.ListFlowAliases(c.ctx, cloudflow.ListOfFlowRequest{
				FlowName: c.args[0], NextToken: token, Limit: &n})
			if err != nil {
				return nil, "", err
			}
			return got.Aliases, got.NextToken, nil
		})
	if err != nil {
		return err
	}
	return c.show(struct{ Aliases []client.FlowAlias }{list}, func(w io.Writer) {
		aliasTable(w, list)
	})
}

func aliasTable(w io.Writer, aliases []client.FlowAlias) {
	lines := [][]string{{"ALIAS", "VERSIONS", "CREATED", "DESCRIPTION"}}
	for _, a := range aliases {
		lines = append(lines, []string{a.Name, routesText(a.RoutingConfigurations),
			moment(a.CreatedTime), cut(a.Description, 60)})
	}
	rows(w, lines)
}
