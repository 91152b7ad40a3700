package cli

import (
	"fmt"
	"io"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// shift moves the starts of an alias to a version, step by step: the first step at once, the last
// one when the time is over.
func (o *aliasFlags) shift(c *invocation, api *client.Client) error {
	now, err := c.describeAlias(api)
	if err != nil {
		return err
	}
	target := c.args[2]
	from, weight, err := shiftFrom(now, target)
	if err != nil {
		return err
	}
	for step := 1; weight < 100; step++ {
		// What is left is divided evenly, so that a command that goes on takes even steps, too.
		weight += max(1, (100-weight)/max(1, o.steps-step+1))
		if step >= o.steps {
			weight = 100
		}
		if step > 1 {
			if err := c.Sleep(c.ctx, o.over/time.Duration(o.steps-1)); err != nil {
				return err
			}
		}
		routes := []client.Route{{Version: target, Weight: weight}}
		if weight < 100 {
			routes = []client.Route{{Version: from, Weight: 100 - weight}, routes[0]}
		}
		if now, err = c.reroute(api, now, routes); err != nil {
			return err
		}
		if !c.forPrograms() {
			c.routed(c.Stdout, now)
		}
	}
	return c.show(now, func(w io.Writer) {
		fmt.Fprintf(w, "all starts of %s go to version %s\n", visible(now.Name), visible(target))
	})
}

// shiftFrom returns the version that an alias routes to beside target, and the weight of target.
func shiftFrom(now *client.FlowAlias, target string) (from string, weight int, err error) {
	for _, r := range now.RoutingConfigurations {
		switch {
		case r.Version == target && len(now.RoutingConfigurations) == 1:
			return "", 100, nil
		case r.Version == target:
			weight = r.Weight
		case from != "":
			return "", 0, failf("alias '%s' routes to %s, none of which is %s: route it to one "+
				"version first", now.Name, routesText(now.RoutingConfigurations), target)
		default:
			from = r.Version
		}
	}
	return from, weight, nil
}

// reroute changes the routes of an alias that nobody else has changed since it was read.
func (c *invocation) reroute(
	api *client.Client, before *client.FlowAlias, routes []client.Route,
) (*client.FlowAlias, error) {
	text := client.EncodeRoutes(routes)
	for attempt := 0; ; attempt++ {
		now, err := c.describeAlias(api)
		if err != nil {
			return nil, err
		}
		if got := client.EncodeRoutes(now.RoutingConfigurations); got == text {
			return now, nil // the response to an earlier attempt was lost
		} else if got != client.EncodeRoutes(before.RoutingConfigurations) {
			return nil, failf("alias '%s' was changed meanwhile: it routes to %s", now.Name,
				strings.TrimSpace(routesText(now.RoutingConfigurations)))
		}
		got, err := api.UpdateFlowAlias(c.ctx, cloudflow.UpdateFlowAliasRequest{
			FlowName: c.args[0], Name: c.args[1], RoutingConfigurations: &text})
		if err == nil || !fault.CodeOf(err).Retryable() || unreachable(err) ||
			attempt+1 == throttleAttempts {
			return got, err
		}
		if err := c.Sleep(c.ctx, throttleBackoff.After(attempt)); err != nil {
			return nil, err
		}
	}
}
