package main

import (
	"context"
	"net/url"
)

// The roles that EventBridge takes to read the queue, to call the function, and to write dead letters.
var serviceRoles = []string{"AliyunServiceRoleForEventBridgeSourceMNS", "AliyunServiceRoleForEventBridgeSendToFC", "AliyunServiceRoleForEventBridgeSendToMNS"}

// eventSteps are the service-linked roles of EventBridge. The event stream itself is made with the trigger in s.yaml.
func (k *cloud) eventSteps() (all []step) {
	for _, role := range serviceRoles {
		all = append(all, step{part: "events", name: "service-linked role " + role,
			check: func(ctx context.Context) (checkResult, error) {
				return ramCheckResult(k.ram(ctx, "GetRole", url.Values{"RoleName": {role}}, nil))
			},
			apply: func(ctx context.Context, _ checkResult) error {
				return existing(k.rpc(ctx, k.config.endpoint("eventbridge", "https://eventbridge-console."+k.config.region+".aliyuncs.com"), "2020-04-01",
					"CreateServiceLinkedRoleForProduct", url.Values{"ProductName": {role}}, nil))
			}})
	}
	return all
}
