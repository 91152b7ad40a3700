package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
)

// cloud is the account in which the resources are created.
type cloud struct {
	config      *config
	credentials alibaba.Provider
	http        *http.Client // nil: the default client

	instanceAccess  access // of the instance, as of the last check
	instanceMissing bool   // a dry run found no instance
}

// plan returns the steps of the configured parts.
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

// rpc calls an operation of an RPC-style API, with its parameters in the query, and decodes the
// response into to, unless to is nil.
func (k *cloud) rpc(
	ctx context.Context, endpoint, version, action string, parameters url.Values, to any,
) error {
	return k.call(ctx, &acs.Request{
		Endpoint: endpoint,
		Method:   http.MethodPost,
		Path:     "/",
		Query:    parameters,
		Action:   action,
		Version:  version,
	}, to)
}

func (k *cloud) call(ctx context.Context, call *acs.Request, to any) error {
	call.Header = http.Header{"Accept": {"application/json"}}
	response, err := acs.NewClient(k.credentials, k.http).Do(ctx, call)
	if err != nil {
		return fmt.Errorf("%s at %s: %w", call.Action, call.Endpoint, err)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(response.Body, to); err != nil {
		return fmt.Errorf("%s at %s: the response cannot be read: %w", call.Action, call.Endpoint,
			err)
	}
	return nil
}

// code returns the error code of a rejected request; "" for other errors.
func code(err error) string {
	if e := acs.AsError(err); e != nil {
		return e.Code
	}
	return ""
}
