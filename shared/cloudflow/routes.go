package cloudflow

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"encoding/json"
	"errors"
	"strconv"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

const routesForm = `[{"Version":"1","Weight":90},{"Version":"2","Weight":10}]`

// routesMax is how many versions an alias routes to.
const routesMax = 2

// parseRoutes parses the RoutingConfigurations parameter. The versions need not exist.
func parseRoutes(text string) ([]store.Route, error) {
	var configured []struct{ Version, Weight json.RawMessage }
	if err := value.Unmarshal([]byte(text), &configured); err != nil {
		return nil, errRoutes("it must be like %s: %v", routesForm, err)
	}
	if len(configured) == 0 || len(configured) > routesMax {
		return nil, errRoutes("it must have 1 or %d entries, like %s", routesMax, routesForm)
	}
	var routes []store.Route
	sum := 0
	for _, r := range configured {
		version := numberText(r.Version)
		if !isVersion(version) {
			return nil, errRoutes("Version must be the number of a version, like %s", routesForm)
		}
		weight, err := strconv.Atoi(numberText(r.Weight))
		if err != nil || weight < 0 || weight > store.WeightMax {
			return nil, errRoutes("Weight must be an integer from 0 to %d", store.WeightMax)
		}
		routes = append(routes, store.Route{Version: versionNumber(version), Weight: weight})
		sum += weight
	}
	if len(routes) == routesMax && routes[0].Version == routes[1].Version {
		return nil, errRoutes("it has the same version twice")
	}
	if len(routes) > 1 && sum != store.WeightMax {
		return nil, errRoutes("the weights must add up to %d, and they add up to %d",
			store.WeightMax, sum)
	}
	return routes, nil
}

func errRoutes(format string, args ...any) error {
	return fault.New(fault.InvalidArgument, "RoutingConfigurations is invalid: "+format+".",
		args...)
}

// numberText returns the text of a JSON string or number: clients send numbers as either.
func numberText(raw json.RawMessage) string {
	var text string
	if len(raw) > 0 && raw[0] == '"' && value.Unmarshal(raw, &text) == nil {
		return text
	}
	return string(raw)
}

// checkRoutes checks that every version of an alias exists.
func checkRoutes(flowName string, known *store.Catalog, routes []store.Route) error {
	for _, r := range routes {
		if known.Version(r.Version) == nil {
			return versionMissing(flowName, strconv.FormatInt(r.Version, 10))
		}
	}
	return nil
}

// qualified returns the flow that a start with a qualifier runs: f at the version that the
// qualifier names, or that its alias chooses for the execution. It returns f if there is no
// qualifier.
func (s *Service) qualified(
	ctx context.Context, f *store.Flow, qualifier, execution string,
) (*store.Flow, error) {
	if qualifier == "" {
		return f, nil
	}
	if !isVersion(qualifier) && !flow.ValidName(qualifier) {
		return nil, fault.New(fault.InvalidArgument, "Qualifier %s is invalid: it must be the "+
			"number of a version or the name of an alias.", value.Quote(qualifier))
	}
	known, err := f.Catalog()
	if err != nil {
		return nil, FaultOf(err)
	}
	var number int64
	missing := versionMissing
	if isVersion(qualifier) {
		number = versionNumber(qualifier)
	} else {
		missing = aliasMissing
		e := known.Alias(qualifier)
		if e == nil {
			return nil, missing(f.Name, qualifier)
		}
		number = choose(e, f.ID, execution)
	}
	at, err := s.flowAt(ctx, f, known, number)
	if errors.Is(err, store.ErrNotFound) {
		// The version was deleted after the flow was read; an alias then was changed or deleted
		// before.
		return nil, missing(f.Name, qualifier)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return at, nil
}

// choose returns the version that an alias starts for an execution. The choice depends only on the
// names and the weights, so every repeat of a start makes the same one.
func choose(e *store.AliasEntry, flowID, execution string) int64 {
	total := uint64(0)
	for _, r := range e.Routes {
		total += uint64(r.Weight)
	}
	if len(e.Routes) == 1 || total == 0 {
		return e.Routes[0].Version
	}
	sum := sha256.Sum256([]byte(flowID + "#" + e.Name + "#" + execution))
	at := binary.BigEndian.Uint64(sum[:]) % total
	for _, r := range e.Routes {
		if at < uint64(r.Weight) {
			return r.Version
		}
		at -= uint64(r.Weight)
	}
	panic("unreachable: at is below the sum of the weights")
}
