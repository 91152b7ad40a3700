package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"millrace/shared/alibaba/acs"
)

// instanceStep returns the step of the TableStore instance, which is billed by request. For an
// existing instance it changes only the networks.
func (k *cloud) instanceStep() step {
	return step{
		part:  "instance",
		name:  "TableStore instance " + k.config.instance,
		check: k.checkInstance,
		apply: func(ctx context.Context, f checkResult) error {
			if f.state == missing {
				return k.createInstance(ctx)
			}
			return k.openInstance(ctx)
		},
	}
}

// access is the set of networks and sources from which an instance accepts requests. The
// documentation contradicts itself about the default of a new instance: closed to the internet, or
// open to everything. This command, and functions without a VPC, send requests from the internet,
// so access is set and checked explicitly.
type access struct {
	Networks []string `json:"NetworkTypeACL"`   // INTERNET, VPC, CLASSIC
	Sources  []string `json:"NetworkSourceACL"` // TRUST_PROXY: the console
}

// neededAccess returns the access that Millrace needs. With a VPC it does not need the internet.
func (k *cloud) neededAccess() access {
	if k.config.vpc {
		return access{Networks: []string{"VPC"}, Sources: []string{"TRUST_PROXY"}}
	}
	return access{
		Networks: []string{"INTERNET", "VPC", "CLASSIC"},
		Sources:  []string{"TRUST_PROXY"},
	}
}

// missingFrom returns the part of needed that a does not have.
func (a access) missingFrom(needed access) access {
	there := func(have []string) func(string) bool {
		return func(name string) bool { return slices.Contains(have, name) }
	}
	return access{slices.DeleteFunc(slices.Clone(needed.Networks), there(a.Networks)),
		slices.DeleteFunc(slices.Clone(needed.Sources), there(a.Sources))}
}

const instanceVersion = "2020-12-09"

func (k *cloud) instances() string {
	return k.config.endpoint("tablestore", "https://tablestore."+k.config.region+".aliyuncs.com")
}

func (k *cloud) checkInstance(ctx context.Context) (checkResult, error) {
	var now access
	err := k.call(ctx, &acs.Request{
		Endpoint: k.instances(),
		Method:   http.MethodGet,
		Path:     "/v2/openapi/getinstance",
		Query:    url.Values{"InstanceName": {k.config.instance}},
		Action:   "GetInstance",
		Version:  instanceVersion,
	}, &now)
	if e := acs.AsError(err); e != nil && (e.Status == http.StatusNotFound ||
		strings.Contains(e.Code, "NotExist") || strings.Contains(e.Code, "NotFound")) {
		k.instanceMissing = k.config.dryRun
		return checkResult{state: missing}, nil
	}
	if err != nil {
		return checkResult{}, err
	}
	k.instanceAccess = now
	lacking := now.missingFrom(k.neededAccess())
	if names := slices.Concat(lacking.Networks, lacking.Sources); len(names) > 0 {
		return checkResult{state: outdated, what: "opened for " + strings.Join(names, ", ")}, nil
	}
	return checkResult{}, nil
}

// openInstance adds the missing access to an instance and removes none. The service requires that
// both lists are set together.
func (k *cloud) openInstance(ctx context.Context) error {
	now := k.instanceAccess
	lacking := now.missingFrom(k.neededAccess())
	return k.changeInstance(ctx, "UpdateInstance", map[string]any{
		"InstanceName":     k.config.instance,
		"NetworkTypeACL":   slices.Concat(now.Networks, lacking.Networks),
		"NetworkSourceACL": slices.Concat(now.Sources, lacking.Sources),
	})
}

// changeInstance calls an operation that creates or changes the instance.
func (k *cloud) changeInstance(
	ctx context.Context, action string, parameters map[string]any,
) error {
	body, err := json.Marshal(parameters)
	if err != nil {
		return err
	}
	return k.call(ctx, &acs.Request{
		Endpoint:    k.instances(),
		Method:      http.MethodPost,
		Path:        "/v2/openapi/" + strings.ToLower(action),
		ContentType: "application/json",
		Body:        body,
		Action:      action,
		Version:     instanceVersion,
	}, nil)
}

func (k *cloud) createInstance(ctx context.Context) error {
	err := k.changeInstance(ctx, "CreateInstance", map[string]any{
		"InstanceName":        k.config.instance,
		"ClusterType":         "SSD",
		"InstanceDescription": "Executions of Millrace",
		"NetworkTypeACL":      k.neededAccess().Networks,
		"NetworkSourceACL":    k.neededAccess().Sources,
	})
	if c := code(err); strings.Contains(c, "Exist") && !strings.Contains(c, "NotExist") {
		switch f, again := k.checkInstance(ctx); {
		case again == nil && f.state == upToDate:
			return nil
		case again == nil && f.state == outdated:
			return k.openInstance(ctx)
		}
		return fmt.Errorf("the name is taken by another account; choose one by "+
			"MILLRACE_INSTANCE: %w", err)
	}
	return err
}
