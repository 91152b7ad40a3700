package lambdatask

import (
	"fmt"
	"strings"

	"millrace/shared/task"
)

// target is the function of Function Compute that a resource name means.
type target struct {
	service, name string
	candidates    [3]string // the resource name as written, in full, and without its qualifier
}

// parseTarget reads `acs:fc:{region}:{account}:functions/{name}[/{qualifier}]` and
// `…:services/{service}[.{qualifier}]/functions/{name}`, as the functions file of the local server does.
func parseTarget(resource, region, account string) (*target, error) {
	arn, err := task.ParseARN(resource)
	if err != nil {
		return nil, err
	}
	arn = arn.Within(region, account)
	t := &target{}
	parts := strings.Split(arn.Resource, "/")
	qualifier, bare := "LATEST", arn
	switch {
	case arn.Service != "fc":
		return nil, fmt.Errorf("%q is no function", resource)
	case (len(parts) == 2 || len(parts) == 3) && parts[0] == "functions":
		t.name = parts[1]
		if len(parts) == 3 {
			qualifier = parts[2]
		}
		bare.Resource = "functions/" + t.name
		arn.Resource = bare.Resource + "/" + qualifier
	case len(parts) == 4 && parts[0] == "services" && parts[2] == "functions":
		service, q, qualified := strings.Cut(parts[1], ".")
		if t.service, t.name = service, parts[3]; qualified {
			qualifier = q
		}
		bare.Resource = "services/" + service + "/functions/" + t.name
		arn.Resource = "services/" + service + "." + qualifier + "/functions/" + t.name
	default:
		return nil, fmt.Errorf("%q names no function", resource)
	}
	if !made(t.name, "-_.$") || t.service != "" && !made(t.service, "-_.$") {
		return nil, fmt.Errorf("%q names no function", resource)
	}
	t.candidates = [3]string{resource, arn.String(), bare.String()}
	return t, nil
}

// matches tells whether a pattern means t: one with a colon is a glob on the resource name, any other on the function's
// name or on {service}/{function}.
func (t *target) matches(pattern string) bool {
	if !strings.Contains(pattern, ":") {
		return task.Glob(pattern, t.name) || t.service != "" && task.Glob(pattern, t.service+"/"+t.name)
	}
	for _, c := range t.candidates {
		if task.Glob(pattern, c) {
			return true
		}
	}
	return false
}
