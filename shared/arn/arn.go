// Package arn parses Alibaba Cloud's resource names, and tells which kind of target of a task a
// name has the form of.
package arn

import (
	"fmt"
	"strings"
)

// lengthMax is the maximum length of a resource name in bytes.
const lengthMax = 1024

// ARN is a parsed resource name: `acs:{Service}:{Region}:{Account}:{Resource}`. Region and Account
// are often empty.
type ARN struct {
	Service, Region, Account, Resource string
}

// Parse parses a resource name. Resource keeps its colons, but not a leading slash.
func Parse(s string) (ARN, error) {
	if len(s) > lengthMax {
		return ARN{}, fmt.Errorf("the resource name is longer than %d bytes", lengthMax)
	}
	parts, ok := split(s)
	if !ok {
		return ARN{}, fmt.Errorf(
			"%q is no resource name like acs:{service}:{region}:{account}:{resource}", s,
		)
	}
	resource := strings.TrimPrefix(parts[4], "/")
	if resource == "" {
		return ARN{}, fmt.Errorf("%q names no resource", s)
	}
	return ARN{Service: parts[1], Region: parts[2], Account: parts[3], Resource: resource}, nil
}

// split splits a resource name at its first four colons.
func split(s string) (parts []string, ok bool) {
	parts = strings.SplitN(s, ":", 5)
	return parts, len(parts) == 5 && parts[0] == "acs" && parts[1] != ""
}

// String returns the full resource name.
func (a ARN) String() string {
	return "acs:" + a.Service + ":" + a.Region + ":" + a.Account + ":" + a.Resource
}

// WithDefaults returns a copy of a in which region and account replace empty ones.
func (a ARN) WithDefaults(region, account string) ARN {
	if a.Region == "" {
		a.Region = region
	}
	if a.Account == "" {
		a.Account = account
	}
	return a
}
