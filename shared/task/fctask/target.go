package fctask

import (
	"fmt"
	"strings"

	"millrace/shared/task"
)

// partMax bounds the name of a function, a service or a qualifier.
const partMax = 128

// target is the function that a resource name means.
type target struct {
	written                  string // the resource name as the flow has it
	region, account          string
	service, name, qualifier string // service is "" in FC 3, qualifier never
	candidates               [3]string
}

// parseTarget reads `acs:fc:{region}:{account}:functions/{name}[/{qualifier}]` and
// `…:services/{service}[.{qualifier}]/functions/{name}`. An empty region or account is the flow's.
func parseTarget(resource, region, account string) (*target, error) {
	arn, err := task.ParseARN(resource)
	if err != nil {
		return nil, err
	}
	arn = arn.Within(region, account)
	t := &target{written: resource, region: arn.Region, account: arn.Account, qualifier: "LATEST"}
	parts := strings.Split(arn.Resource, "/")
	bare := arn
	switch {
	case arn.Service != "fc":
		return nil, fmt.Errorf("%q is no function", resource)
	case (len(parts) == 2 || len(parts) == 3) && parts[0] == "functions":
		t.name = parts[1]
		if len(parts) == 3 {
			t.qualifier = parts[2]
		}
		bare.Resource = "functions/" + t.name
		arn.Resource = bare.Resource + "/" + t.qualifier
	case len(parts) == 4 && parts[0] == "services" && parts[2] == "functions":
		service, qualifier, qualified := strings.Cut(parts[1], ".")
		t.service, t.name = service, parts[3]
		if qualified {
			t.qualifier = qualifier
		}
		bare.Resource = "services/" + service + "/functions/" + t.name
		arn.Resource = "services/" + service + "." + t.qualifier + "/functions/" + t.name
	default:
		return nil, fmt.Errorf("%q is neither acs:fc:{region}:{account}:functions/{name}/{qualifier} nor "+
			"acs:fc:{region}:{account}:services/{service}.{qualifier}/functions/{name}", resource)
	}
	for _, part := range []string{t.region, t.account, t.name, t.qualifier} {
		if !isName(part) {
			return nil, fmt.Errorf("%q names no function", resource)
		}
	}
	if !isName(t.service) || t.name == "" || t.qualifier == "" || len(parts) == 4 && t.service == "" {
		return nil, fmt.Errorf("%q names no function", resource)
	}
	t.candidates = [3]string{resource, arn.String(), bare.String()}
	return t, nil
}

// isName tells whether s is made of what names are made of, so that it may stand in a header. "" is one.
func isName(s string) bool {
	for i := 0; i < len(s); i++ {
		c := s[i]
		switch {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '$':
		default:
			return false
		}
	}
	return len(s) <= partMax
}

// matches tells whether a pattern of the functions file means t. One with a colon is a glob on the resource name:
// as written, with everything filled in, and without the qualifier. Any other is a glob on the function's name and
// on {service}/{function}.
func (t *target) matches(pattern string) bool {
	if strings.Contains(pattern, ":") {
		for _, c := range t.candidates {
			if task.Glob(pattern, c) {
				return true
			}
		}
		return false
	}
	return task.Glob(pattern, t.name) || t.service != "" && task.Glob(pattern, t.service+"/"+t.name)
}
