package sim

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
)

// withVersions are runs with a publisher: a flow owner that publishes versions of its flow, routes
// aliases to them and starts executions of them. No other client changes the flow, so the publisher
// knows which definition each execution must run. "version response": every response agrees with
// what it knows.
const withVersions = "versions"

// versioned is the name of the publisher's flow.
const versioned = "versioned"

type publisher struct {
	flowOwner
	versions map[int64]string // definitions of the versions, by number
	last     int64            // highest number ever
	aliases  map[string][]cloudflow.Route
	unknown  int  // published, perhaps, by requests that got no response
	back     bool // it has come back when rows were to be looked at
}

func newPublisher(c *clients) *publisher {
	p := &publisher{flowOwner: flowOwner{c: c, name: versioned, r: c.rand("publisher")}}
	p.forget()
	return p
}

// forget is called when the flow is deleted or created.
func (p *publisher) forget() {
	p.versions, p.aliases, p.last = map[int64]string{}, map[string][]cloudflow.Route{}, 0
}

// publish runs a publisher.
func (c *clients) publish() {
	c.publisher = newPublisher(c)
	c.spawn(func() { c.publisher.run(12+c.publisher.r.IntN(14), 20_000) })
}

// publishAgain runs the publisher when the sweeper is about to look at a row of its flow.
func (c *clients) publishAgain(time.Time) {
	p := c.publisher
	if p == nil || p.current == "" {
		return
	}
	look := c.w.looks(p.id)
	p.back = true
	c.spawn(func() {
		c.sleep(time.Until(time.UnixMilli(min(look, c.w.quiescedAt+c.w.retention.Milliseconds()))) -
			reuseEarly)
		p.run(6+p.r.IntN(8), 10_000)
	})
}

func (p *publisher) run(acts, pauseMax int) {
	for range acts {
		if !p.c.sleep(time.Duration(p.r.IntN(pauseMax))*time.Millisecond) || !p.act() {
			return
		}
		for p.unsure {
			if !p.settle() || !p.list() {
				return
			}
		}
	}
}

// act does one action; it returns false when the clients have been stopped. When the publisher has
// come back, it mostly takes away what the sweeper has just looked at.
func (p *publisher) act() bool {
	p.made++
	if p.current == "" {
		if p.r.IntN(6) == 0 {
			return p.start()
		}
		return p.create()
	}
	few, back := 1, 1
	if len(p.versions) < 3 {
		few = 4
	}
	if p.back {
		back = 6
	}
	actions := []struct {
		weight int
		do     func() bool
	}{
		{3, p.update}, {1 + few, p.publishOne}, {back, p.deleteVersion},
		{1 + len(p.versions), p.route}, {back, p.deleteAlias}, {1, p.list}, {7, p.start},
	}
	total := 0
	for _, a := range actions {
		total += a.weight
	}
	n := p.r.IntN(total + 1)
	for _, a := range actions {
		if n -= a.weight; n < 0 {
			return a.do()
		}
	}
	defer p.forget()
	return p.remove()
}

func (p *publisher) wrong(what string, got any, code fault.Code) {
	p.c.w.violate("version response", "the publisher %s and gets %+v %s; versions %v, aliases %v",
		what, got, code, slices.Sorted(maps.Keys(p.versions)), p.aliases)
}

func (p *publisher) publishOne() bool {
	sent := 0
	return ask(&p.flowOwner, "publish",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.FlowVersion, error) {
			sent++
			return s.PublishFlowVersion(ctx, flowOwnerCaller,
				cloudflow.PublishFlowVersionRequest{FlowName: p.name, Description: p.current})
		}, func(v *cloudflow.FlowVersion, code fault.Code) {
			p.c.w.checked("version response")
			if code != "" || v.Version <= p.last || v.Version > p.last+int64(sent) {
				p.wrong("has published", v, code)
				return
			}
			p.versions[v.Version] = p.current
			if p.unknown = sent - 1; sent == 1 {
				p.last = v.Version
			}
		})
}

// version returns a version of the flow, or one that does not exist.
func (p *publisher) version() int64 {
	if numbers := slices.Sorted(maps.Keys(p.versions)); len(numbers) > 0 && p.r.IntN(8) > 0 {
		return numbers[p.r.IntN(len(numbers))]
	}
	return p.r.Int64N(p.last + 2)
}

func (p *publisher) used(number int64) bool {
	for _, routes := range p.aliases {
		for _, r := range routes {
			if r.Version == number {
				return true
			}
		}
	}
	return false
}

func (p *publisher) deleteVersion() bool {
	number, asked := p.version(), false
	remove := func(ctx context.Context, s *cloudflow.Service) (bool, error) {
		return true, s.DeleteFlowVersion(ctx, flowOwnerCaller, cloudflow.DeleteFlowVersionRequest{
			FlowName: p.name, FlowVersion: strconv.FormatInt(number, 10)})
	}
	if p.used(number) {
		// The fault is one that clients repeat, so there is no last response to wait for.
		_, err := request(p.c.w, nil, fmt.Sprintf("publisher deletes what is used %d", p.made),
			remove)
		switch code := codeOf(err); {
		case err == nil:
			p.c.note("publisher is told", func() {
				p.wrong(fmt.Sprintf("has deleted version %d, which an alias uses,", number), nil,
					"")
			})
		case code != fault.ConcurrentUpdateError:
			p.unsure = true // it may still be carried out
		}
		return true
	}
	return ask(&p.flowOwner, "delete version",
		func(ctx context.Context, s *cloudflow.Service) (bool, error) {
			_, err := remove(ctx, s)
			if codeOf(err) == fault.FlowVersionNotExists && asked {
				return true, nil // deleted by an earlier request
			}
			asked = true
			return true, err
		}, func(_ bool, code fault.Code) {
			want := fault.Code("")
			if _, there := p.versions[number]; !there {
				want = fault.FlowVersionNotExists
			}
			if code != want && !(code == "" && p.unsure) {
				p.wrong(fmt.Sprintf("has deleted version %d", number), nil, code)
			}
			delete(p.versions, number)
		})
}

// routes draws routes, and reports whether all their versions exist.
func (p *publisher) routes() (routes []cloudflow.Route, exist bool) {
	first := p.version()
	routes = []cloudflow.Route{{Version: first, Weight: p.r.IntN(101)}}
	_, exist = p.versions[first]
	if second := p.version(); second != first {
		routes = append(routes, cloudflow.Route{Version: second, Weight: 100 - routes[0].Weight})
		_, there := p.versions[second]
		exist = exist && there
	}
	return routes, exist
}

// alias returns the name of an alias, mostly one that exists.
func (p *publisher) alias() string {
	if names := slices.Sorted(maps.Keys(p.aliases)); len(names) > 0 && p.r.IntN(4) > 0 {
		return names[p.r.IntN(len(names))]
	}
	return []string{"live", "next"}[p.r.IntN(2)]
}

// route creates an alias or changes it.
func (p *publisher) route() bool {
	name, asked := p.alias(), false
	routes, exist := p.routes()
	_, there := p.aliases[name]
	text := string(encode(routesJSON(routes)))
	return ask(&p.flowOwner, "route",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.FlowAlias, error) {
			again := asked
			asked = true
			if there {
				return s.UpdateFlowAlias(ctx, flowOwnerCaller, cloudflow.UpdateFlowAliasRequest{
					FlowName: p.name, Name: name, RoutingConfigurations: &text})
			}
			a, err := s.CreateFlowAlias(ctx, flowOwnerCaller, cloudflow.CreateFlowAliasRequest{
				FlowName: p.name, Name: name, RoutingConfigurations: text})
			if codeOf(err) == fault.FlowAliasAlreadyExists && again {
				return s.DescribeFlowAlias(ctx, flowOwnerCaller, cloudflow.FlowAliasRequest{
					FlowName: p.name, Name: name})
			}
			return a, err
		}, func(a *cloudflow.FlowAlias, code fault.Code) {
			p.c.w.checked("version response")
			switch {
			case !exist && code == fault.FlowVersionNotExists:
			case !exist || code != "" || a.Name != name || !slices.Equal(a.Routes, routes):
				p.wrong(fmt.Sprintf("has routed %s to %v", name, routes), a, code)
			default:
				p.aliases[name] = routes
			}
		})
}

func routesJSON(routes []cloudflow.Route) any {
	list := []any{}
	for _, r := range routes {
		list = append(list, map[string]any{"Version": fmt.Sprint(r.Version),
			"Weight": fmt.Sprint(r.Weight)})
	}
	return list
}

func (p *publisher) deleteAlias() bool {
	name, asked := p.alias(), false
	_, there := p.aliases[name]
	return ask(&p.flowOwner, "delete alias",
		func(ctx context.Context, s *cloudflow.Service) (bool, error) {
			err := s.DeleteFlowAlias(ctx, flowOwnerCaller, cloudflow.FlowAliasRequest{
				FlowName: p.name, Name: name})
			if codeOf(err) == fault.FlowAliasNotExists && asked {
				return true, nil
			}
			asked = true
			return true, err
		}, func(_ bool, code fault.Code) {
			if want := !there && code == fault.FlowAliasNotExists; code != "" && !want ||
				code == "" && !there && !p.unsure {
				p.wrong("has deleted alias "+name, nil, code)
			}
			delete(p.aliases, name)
		})
}

// list lists all versions. It finds those that requests without a response have published.
func (p *publisher) list() bool {
	if p.current == "" {
		return true
	}
	return ask(&p.flowOwner, "list",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.FlowVersionPage, error) {
			return s.ListFlowVersions(ctx, flowOwnerCaller,
				cloudflow.ListOfFlowRequest{FlowName: p.name})
		}, func(page *cloudflow.FlowVersionPage, code fault.Code) {
			p.c.w.checked("version response")
			if code != "" {
				p.wrong("has listed the versions", nil, code)
				return
			}
			found := map[int64]string{}
			before := int64(1 << 62)
			for _, v := range page.Versions {
				known := p.versions[v.Version]
				if known == "" && v.Version > p.last && p.unknown > 0 {
					known, p.unknown = v.Description, p.unknown-1
				}
				if known != v.Description || v.Version >= before {
					p.wrong("has listed the versions", page, "")
				}
				found[v.Version], before = known, v.Version
			}
			if len(found) < len(p.versions) {
				p.wrong("has listed the versions", page, "")
			}
			p.versions, p.unknown = found, 0
			for number := range found {
				p.last = max(p.last, number)
			}
		})
}

// qualifier draws a qualifier; "": none.
func (p *publisher) qualifier() string {
	switch n := p.r.IntN(8); {
	case n < 1:
		return ""
	case n < 3:
		return strconv.FormatInt(p.version(), 10)
	}
	return p.alias()
}

// wanted returns the definition that an execution must run, or the fault of its start.
func (p *publisher) wanted(qualifier, execution string) (definition string, code fault.Code) {
	if p.current == "" {
		return "", fault.FlowNotExists
	}
	if qualifier == "" {
		return p.current, ""
	}
	number, err := strconv.ParseInt(qualifier, 10, 64)
	if err != nil {
		routes, there := p.aliases[qualifier]
		if !there {
			return "", fault.FlowAliasNotExists
		}
		number = chosen(routes, p.id+"#"+qualifier+"#"+execution)
	}
	definition, there := p.versions[number]
	if !there {
		return "", fault.FlowVersionNotExists
	}
	return definition, ""
}

// chosen is the choice of an alias: the first 64 bits of the SHA-256 of the names, divided by the
// weights.
func chosen(routes []cloudflow.Route, names string) int64 {
	sum := 0
	for _, r := range routes {
		sum += r.Weight
	}
	if len(routes) == 1 || sum == 0 {
		return routes[0].Version
	}
	hash := sha256.Sum256([]byte(names))
	if binary.BigEndian.Uint64(hash[:8])%uint64(sum) < uint64(routes[0].Weight) {
		return routes[0].Version
	}
	return routes[1].Version
}

// start starts an execution, mostly with a qualifier.
func (p *publisher) start() bool {
	name, qualifier, asked := fmt.Sprintf("v%d", p.made), p.qualifier(), false
	return ask(&p.flowOwner, "start",
		func(ctx context.Context, s *cloudflow.Service) (*cloudflow.Execution, error) {
			again := asked // an earlier request may still be in progress
			asked = true
			x, err := s.StartExecution(ctx, flowOwnerCaller, cloudflow.StartExecutionRequest{
				FlowName: p.name, ExecutionName: name, Input: "{}", Qualifier: qualifier})
			if codeOf(err) == fault.ExecutionAlreadyExists && again {
				return s.DescribeExecution(ctx, flowOwnerCaller, cloudflow.DescribeExecutionRequest{
					FlowName: p.name, ExecutionName: name})
			}
			return x, err
		}, func(x *cloudflow.Execution, code fault.Code) {
			p.c.w.checked("version response")
			want, fails := p.wanted(qualifier, name)
			if code != fails || code == "" && x.FlowDefinition != want {
				p.wrong(fmt.Sprintf("has started %s with the qualifier %q", name, qualifier), x,
					code)
			}
		})
}
