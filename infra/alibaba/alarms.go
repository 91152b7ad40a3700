package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net/url"
	"reflect"
	"strconv"
	"strings"
)

// alarm is a rule of CloudMonitor. The alarms are the same as those in template.yaml, if
// CloudMonitor has a metric for them.
type alarm struct {
	name                            string // without the prefix
	namespace, metric               string
	resource                        map[string]string // dimensions of the metric
	statistic, operator             string
	threshold, times, periodSeconds int
	noData                          string // state of the alarm without values
}

// Names of CloudMonitor.
const (
	queueMetrics, functionMetrics = "acs_mns_new", "acs_fc"

	moreThan, atLeast, atMost = "GreaterThanThreshold", "GreaterThanOrEqualToThreshold",
		"LessThanOrEqualToThreshold"

	fine   = "OK"                // no values are fine
	silent = "INSUFFICIENT_DATA" // no values raise the alarm
)

// alarms returns all alarms. MNS has no metric for the age of the oldest message. If a queue is not
// empty for a quarter of an hour, its oldest message may be that old.
func (c *config) alarms() []alarm {
	queue := func(name string) map[string]string {
		return map[string]string{"userId": c.account, "region": c.region, "queue": c.prefix + name}
	}
	all := []alarm{
		{"dead-letters", queueMetrics, "ActiveMessages", queue("-dead-letters"), "Maximum",
			moreThan, 0, 1, 300, fine},
		{"event-dead-letters", queueMetrics, "ActiveMessages", queue("-event-dead-letters"),
			"Maximum", moreThan, 0, 1, 300, fine},
		{"queue-age", queueMetrics, "ActiveMessages", queue(""), "Minimum", moreThan, 0, 3, 300,
			fine},
	}
	function := func(name string) map[string]string {
		return map[string]string{"region": c.region, "functionName": c.prefix + "-" + name}
	}
	for _, f := range roles {
		all = append(all,
			alarm{f + "-errors", functionMetrics, "FunctionFunctionErrors", function(f), "Value",
				atLeast, 1, 1, 60, fine},
			alarm{f + "-failures", functionMetrics, "FunctionServerErrors", function(f), "Value",
				atLeast, 1, 3, 60, fine},
			alarm{f + "-throttles", functionMetrics, "FunctionConcurrencyThrottles", function(f),
				"Value", atLeast, 1, 3, 60, fine},
			alarm{f + "-instances", functionMetrics, "FunctionResourceThrottles", function(f),
				"Value", atLeast, 1, 3, 60, fine})
	}
	return append(all,
		alarm{"api-5xx", functionMetrics, "FunctionHTTPStatus5xx", function("api"), "Value",
			atLeast, 5, 3, 60, fine},
		alarm{"sweeper-silent", functionMetrics, "FunctionTotalInvocations", function("sweeper"),
			"Value", atMost, 0, 5, 60, silent})
}

// alarmSteps returns the steps of the alarms, which notify a contact group.
func (k *cloud) alarmSteps() (all []step) {
	for _, a := range k.config.alarms() {
		want := k.config.ruleOf(a)
		all = append(all, step{part: "alarms", name: "alarm " + want.RuleName,
			check: func(ctx context.Context) (checkResult, error) { return k.checkRule(ctx, want) },
			apply: func(ctx context.Context, _ checkResult) error { return k.putRule(ctx, want) }})
	}
	return all
}

// rule is an alarm as CloudMonitor describes it.
type rule struct {
	RuleID        string `json:"RuleId"`
	RuleName      string
	Namespace     string
	MetricName    string
	Resources     resources
	ContactGroups string
	Period        text
	NoDataPolicy  string
	Escalations   struct{ Critical escalation }
}

type escalation struct {
	Statistics, ComparisonOperator string
	Threshold, Times               text
}

func (c *config) ruleOf(a alarm) rule {
	// The ids of rules must be unique in an account, across regions.
	r := rule{
		RuleID:        c.prefix + "-" + c.region + "-" + a.name,
		RuleName:      c.prefix + "-" + a.name,
		Namespace:     a.namespace,
		MetricName:    a.metric,
		Resources:     resources{a.resource},
		ContactGroups: c.contacts,
		Period:        number(a.periodSeconds),
		NoDataPolicy:  a.noData,
	}
	r.Escalations.Critical = escalation{a.statistic, a.operator, number(a.threshold),
		number(a.times)}
	return r
}

// text is a value of a response that may be a text or a number.
type text string

func number(n int) text { return text(strconv.Itoa(n)) }

// UnmarshalJSON implements json.Unmarshaler.
func (t *text) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		return json.Unmarshal(b, (*string)(t))
	}
	*t = text(b)
	return nil
}

// resources is a list of dimensions. Responses have it as a JSON text inside a text.
type resources []map[string]string

// UnmarshalJSON implements json.Unmarshaler.
func (r *resources) UnmarshalJSON(b []byte) error {
	if len(b) > 0 && b[0] == '"' {
		var inner string
		if err := json.Unmarshal(b, &inner); err != nil {
			return err
		}
		b = []byte(inner)
	}
	if len(b) == 0 {
		return nil
	}
	return json.Unmarshal(b, (*[]map[string]string)(r))
}

const monitorVersion = "2019-01-01"

// monitor calls CloudMonitor, which may report a failure with a status of success.
func (k *cloud) monitor(ctx context.Context, action string, parameters url.Values, to any) error {
	var response json.RawMessage
	err := k.rpc(ctx, k.config.endpoint("cms", "https://metrics."+k.config.region+".aliyuncs.com"),
		monitorVersion, action, parameters, &response)
	if err != nil {
		return err
	}
	var result struct {
		Success *bool
		Code    text
		Message string
	}
	if err := json.Unmarshal(response, &result); err != nil {
		return fmt.Errorf("%s: the response cannot be read: %w", action, err)
	}
	if result.Success != nil && !*result.Success {
		return fmt.Errorf("%s: %s: %s", action, result.Code, result.Message)
	}
	if to == nil {
		return nil
	}
	if err := json.Unmarshal(response, to); err != nil {
		return fmt.Errorf("%s: the response cannot be read: %w", action, err)
	}
	return nil
}

func (k *cloud) checkRule(ctx context.Context, want rule) (checkResult, error) {
	var response struct{ Alarms struct{ Alarm []rule } }
	if err := k.monitor(ctx, "DescribeMetricRuleList", url.Values{"RuleIds": {want.RuleID}},
		&response); err != nil {
		return checkResult{}, err
	}
	for _, got := range response.Alarms.Alarm {
		if got.RuleID != want.RuleID {
			continue
		}
		if different := differences(got, want); len(different) > 0 {
			return checkResult{outdated, strings.Join(different, ", ")}, nil
		}
		return checkResult{}, nil
	}
	return checkResult{state: missing}, nil
}

// differences returns the names of the differences. It ignores whether the rule is enabled, because
// the operator may disable a rule.
func differences(got, want rule) (all []string) {
	for _, d := range []struct {
		name string
		same bool
	}{
		{"name", got.RuleName == want.RuleName},
		{"metric", got.Namespace == want.Namespace && got.MetricName == want.MetricName},
		{"resource", reflect.DeepEqual(got.Resources, want.Resources)},
		{"contacts", got.ContactGroups == want.ContactGroups},
		{"period", got.Period == want.Period},
		{"no data", got.NoDataPolicy == want.NoDataPolicy},
		{"condition", got.Escalations == want.Escalations},
	} {
		if !d.same {
			all = append(all, d.name)
		}
	}
	return all
}

// putRule creates or replaces a rule.
func (k *cloud) putRule(ctx context.Context, r rule) error {
	list, err := json.Marshal(r.Resources)
	if err != nil {
		return err
	}
	c := r.Escalations.Critical
	err = k.monitor(ctx, "PutResourceMetricRule", url.Values{
		"RuleId":                          {r.RuleID},
		"RuleName":                        {r.RuleName},
		"Namespace":                       {r.Namespace},
		"MetricName":                      {r.MetricName},
		"Resources":                       {string(list)},
		"ContactGroups":                   {r.ContactGroups},
		"Period":                          {string(r.Period)},
		"Interval":                        {string(r.Period)},
		"NoDataPolicy":                    {r.NoDataPolicy},
		"Escalations.Critical.Statistics": {c.Statistics},
		"Escalations.Critical.ComparisonOperator": {c.ComparisonOperator},
		"Escalations.Critical.Threshold":          {string(c.Threshold)},
		"Escalations.Critical.Times":              {string(c.Times)},
	}, nil)
	if err != nil {
		return fmt.Errorf("%w; the group of contacts %q must be there (docs/alibaba.md)", err,
			r.ContactGroups)
	}
	return nil
}
