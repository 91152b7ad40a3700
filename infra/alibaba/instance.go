package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"net/url"
	"strings"

	"millrace/shared/task/acs"
)

// instanceStep is the TableStore instance. It bills by request, and is not changed when it is there.
func (k *cloud) instanceStep() step {
	return step{part: "instance", name: "TableStore instance " + k.config.instance, look: k.lookAtInstance,
		make: func(ctx context.Context, _ found) error { return k.createInstance(ctx) }}
}

const instanceVersion = "2020-12-09"

func (k *cloud) instances() string {
	return k.config.endpoint("tablestore", "https://tablestore."+k.config.region+".aliyuncs.com")
}

func (k *cloud) lookAtInstance(ctx context.Context) (found, error) {
	err := k.call(ctx, &acs.Call{Endpoint: k.instances(), Method: http.MethodGet, Path: "/v2/openapi/getinstance",
		Query: url.Values{"InstanceName": {k.config.instance}}, Action: "GetInstance", Version: instanceVersion}, nil)
	if e := acs.Refusal(err); e != nil && (e.Status == http.StatusNotFound || strings.Contains(e.Code, "NotExist") || strings.Contains(e.Code, "NotFound")) {
		k.instanceMissing = k.config.dryRun
		return found{state: missing}, nil
	}
	return found{}, err
}

func (k *cloud) createInstance(ctx context.Context) error {
	body, err := json.Marshal(map[string]any{"InstanceName": k.config.instance, "ClusterType": "SSD", "InstanceDescription": "Executions of Millrace"})
	if err != nil {
		return err
	}
	err = k.call(ctx, &acs.Call{Endpoint: k.instances(), Method: http.MethodPost, Path: "/v2/openapi/createinstance", ContentType: "application/json",
		Body: body, Action: "CreateInstance", Version: instanceVersion}, nil)
	if c := code(err); strings.Contains(c, "Exist") && !strings.Contains(c, "NotExist") {
		if f, again := k.lookAtInstance(ctx); again == nil && f.state == right {
			return nil
		}
		return fmt.Errorf("the name is taken by another account; choose one by MILLRACE_INSTANCE: %w", err)
	}
	return err
}
