package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"millrace/shared/task/acs"
)

// cloud is the account that things are made in.
type cloud struct {
	config      *config
	credentials acs.Provider
	http        *http.Client // nil: the usual one

	instanceAccess  access // of the instance, when it was last looked at
	instanceMissing bool   // a dry run has found that there is no instance yet
}

// plan is all that is made.
func (k *cloud) plan() plan {
	all := plan{k.instanceStep(), k.tablesStep()}
	all = append(all, k.queueSteps()...)
	all = append(all, k.logSteps()...)
	all = append(all, k.roleSteps()...)
	all = append(all, k.eventSteps()...)
	all = append(all, k.alarmSteps()...)
	var p plan
	for _, s := range all {
		if k.config.has(s.part) {
			p = append(p, s)
		}
	}
	return p
}

// rpc calls an operation of an API of the older style, whose parameters are in the query, and reads its answer into to
// unless that is nil.
func (k *cloud) rpc(ctx context.Context, endpoint, version, action string, parameters url.Values, to any) error {
	return k.call(ctx, &acs.Request{Endpoint: endpoint, Method: http.MethodPost, Path: "/", Query: parameters, Action: action, Version: version}, to)
}

func (k *cloud) call(ctx context.Context, call *acs.Request, to any) error {
	call.Header = http.Header{"Accept": {"application/json"}}
	answer, err := acs.NewClient(k.credentials, k.http).Do(ctx, call)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", call.Action, call.Endpoint, err)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(answer.Body, to); err != nil {
		return fmt.Errorf("%s at %s: the answer cannot be read: %w", call.Action, call.Endpoint, err)
	}
	return nil
}

// code is the code of a refusal that err wraps; "" for other errors.
func code(err error) string {
	if e := acs.AsError(err); e != nil {
		return e.Code
	}
	return ""
}
