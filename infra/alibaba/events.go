package main

import (
	"context"
	"net/url"
)

// serviceRoles are the roles with which EventBridge reads the queue, calls the function and writes
// dead letters.
var serviceRoles = []string{"AliyunServiceRoleForEventBridgeSourceMNS",
	"AliyunServiceRoleForEventBridgeSendToFC", "AliyunServiceRoleForEventBridgeSendToMNS"}

// eventSteps returns the steps of the service-linked roles of EventBridge. The trigger in s.yaml
// creates the event stream.
func (k *cloud) eventSteps() (all []step) {
	for _, role := range serviceRoles {
		all = append(all, step{part: "events", name: "service-linked role " + role,
			check: func(ctx context.Context) (checkResult, error) {
				return ramCheckResult(k.ram(ctx, "GetRole", url.Values{"RoleName": {role}}, nil))
			},
			apply: func(ctx context.Context, _ checkResult) error {
				return existing(k.rpc(ctx, k.config.endpoint("eventbridge",
					"https://eventbridge-console."+k.config.region+".aliyuncs.com"), "2020-04-01",
					"CreateServiceLinkedRoleForProduct", url.Values{"ProductName": {role}}, nil))
			}})
	}
	return all
}
