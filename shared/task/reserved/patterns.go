package reserved

import (
	"fmt"
	"regexp"
	"strings"

	"millrace/shared/glob"
)

// reservedName is a name that an operator's pattern reserves.
type reservedName struct {
	kind       kind
	glob       string // on the name, in lower case
	matchesAll bool   // glob matches every name
}

// lastKindPattern matches the parts of a pattern that say the kind of the name after them.
var lastKindPattern = regexp.MustCompile(
	`(queue|topic|function|eventbus|bus|bucket|role|policy|instance)[a-z]*/([^/]+)`,
)

// kindsOfService are the kinds that a pattern without such a part means, by the service in the
// resource name.
var kindsOfService = map[string][]kind{
	"mns": {queue, topic}, "fc": {function}, "oss": {bucket}, "eventbridge": {bus}, "ram": {role},
	"ots": {instance},
}

// reservedNames returns the names that a pattern in lower case reserves. Calls of OpenAPIs name
// resources by kind and name, and seldom by a full resource name.
func reservedNames(pattern string) (all []reservedName) {
	add := func(k kind, name string) {
		all = append(all, reservedName{k, name, strings.Trim(name, "*?") == ""})
	}
	if marks := lastKindPattern.FindAllStringSubmatch(pattern, -1); marks != nil {
		m := marks[len(marks)-1] // the last counts: services/…/functions/…
		k := kind(m[1])
		switch k {
		case "eventbus", "bus":
			k = bus
		case "instance":
			k = instance
		}
		add(k, m[2])
		return all
	}
	parts := strings.Split(pattern, ":")
	if len(parts) < 3 || parts[0] != "acs" {
		return nil
	}
	name := strings.TrimPrefix(parts[len(parts)-1], "/")
	if parts[1] == "oss" {
		name, _, _ = strings.Cut(name, "/")
	}
	for _, k := range kindsOfService[parts[1]] {
		add(k, name)
	}
	return all
}

// checkReserved returns an error if the operator has reserved a name of a kind.
func (r *Resources) checkReserved(k kind, name string) error {
	if r == nil {
		return nil
	}
	for _, one := range r.reserved {
		if one.kind == k && glob.Match(one.glob, strings.ToLower(name)) {
			return reservedError(string(k) + " " + name)
		}
	}
	return nil
}

func reservedError(what string) error {
	return fmt.Errorf("%s is reserved by the operator (MILLRACE_RESERVED): no flow's target", what)
}
