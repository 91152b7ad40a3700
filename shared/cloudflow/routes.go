package cloudflow

import (
	"context"
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
		version, isVersion := flow.ParseVersion(numberText(r.Version))
		if !isVersion {
			return nil, errRoutes("Version must be the number of a version, like %s", routesForm)
		}
		weight, err := strconv.Atoi(numberText(r.Weight))
		if err != nil || weight < 0 || weight > store.WeightMax {
			return nil, errRoutes("Weight must be an integer from 0 to %d", store.WeightMax)
		}
		routes = append(routes, store.Route{Version: version, Weight: weight})
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

// qualified returns the flow that a start with a qualifier runs.
func (s *Service) qualified(
	ctx context.Context, f *store.Flow, qualifier, execution string,
) (*store.Flow, error) {
	if err := checkQualifier(qualifier); err != nil {
		return nil, err
	}
	at, err := s.Store.Qualified(ctx, f, qualifier, execution)
	var missing *store.NoQualifierError
	switch {
	case errors.As(err, &missing) && missing.IsVersion:
		return nil, versionMissing(f.Name, qualifier)
	case errors.As(err, &missing):
		return nil, aliasMissing(f.Name, qualifier)
	case err != nil:
		return nil, FaultOf(err)
	}
	return at, nil
}

func checkQualifier(qualifier string) error {
	if qualifier != "" && !flow.ValidQualifier(qualifier) {
		return fault.New(fault.InvalidArgument, "Qualifier %s is invalid: it must be the "+
			"number of a version or the name of an alias.", value.Quote(qualifier))
	}
	return nil
}
