package clients_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
)

type scheduleResponse struct {
	RequestId, ScheduleId, ScheduleName, Description, Payload, CronExpression, CreatedTime,
	LastModifiedTime string
	Enable bool
}

type schedulePage struct {
	RequestId, NextToken string
	Schedules            []scheduleResponse
}

// soon returns an expression that plans one time in about three seconds, and that time.
func soon() (expression string, planned time.Time) {
	planned = time.Now().UTC().Add(3 * time.Second).Truncate(time.Second)
	return fmt.Sprintf("%d %d %d %d %d ?", planned.Second(), planned.Minute(), planned.Hour(),
		planned.Day(), planned.Month()), planned
}

// TestSchedules: each client creates, shows, changes, lists and deletes schedules.
func TestSchedules(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "schedules", stateMachine.pass)
		flow := func(more ...any) params {
			p := params{"FlowName": "schedules", "ScheduleName": "nightly"}
			for i := 0; i+1 < len(more); i += 2 {
				p[more[i].(string)] = more[i+1]
			}
			return p
		}
		const payload = `{"full": false, "what": "测试 +&=%"}`
		made, body := askBody[scheduleResponse](t, u, "CreateSchedule", flow(
			"CronExpression", "CRON_TZ=Asia/Shanghai 0 30 2 ? * MON-FRI", "Description", "each night",
			"Payload", payload, "Enable", true))
		check(t, "CreateSchedule's keys", len(body), 9)
		check(t, "ScheduleName", made.ScheduleName, "nightly")
		check(t, "Payload", made.Payload, payload)
		check(t, "CronExpression", made.CronExpression, "CRON_TZ=Asia/Shanghai 0 30 2 ? * MON-FRI")
		check(t, "Enable", made.Enable, true)
		check(t, "LastModifiedTime", made.LastModifiedTime, made.CreatedTime)
		mentions(t, refused(t, u, "CreateSchedule", flow("CronExpression", "@every 1m"), 409,
			"ScheduleAlreadyExists"), "The schedule 'nightly' already exists in flow 'schedules'.")

		changed := ask[scheduleResponse](t, u, "UpdateSchedule", flow("CronExpression", "@every 90m",
			"Enable", false))
		check(t, "CronExpression", changed.CronExpression, "@every 90m")
		check(t, "Enable", changed.Enable, false)
		check(t, "Payload", changed.Payload, payload)
		described := ask[scheduleResponse](t, u, "DescribeSchedule", flow())
		changed.RequestId, described.RequestId = "", ""
		check(t, "DescribeSchedule", described, changed)

		ask[scheduleResponse](t, u, "CreateSchedule", params{"FlowName": "schedules",
			"ScheduleName": "other", "CronExpression": "0 0 0 1 1 ?"})
		page := ask[schedulePage](t, u, "ListSchedules", params{"FlowName": "schedules", "Limit": 1})
		check(t, "Schedules", len(page.Schedules), 1)
		check(t, "Schedules[0]", page.Schedules[0], described)
		page = ask[schedulePage](t, u, "ListSchedules", params{"FlowName": "schedules", "Limit": 1,
			"NextToken": page.NextToken})
		check(t, "Schedules", len(page.Schedules), 1)
		check(t, "Schedules[0]", page.Schedules[0].ScheduleName, "other")
		check(t, "Enable", page.Schedules[0].Enable, true)
		check(t, "NextToken", page.NextToken, "")

		ask[struct{ RequestId string }](t, u, "DeleteSchedule", flow())
		missing := "The schedule 'nightly' for flow 'schedules' does not exist."
		for _, operation := range []string{"DescribeSchedule", "UpdateSchedule", "DeleteSchedule"} {
			mentions(t, refused(t, u, operation, flow(), 404, "ScheduleNotExists"), missing)
			refused(t, u, operation, params{"FlowName": "missing", "ScheduleName": "s"}, 404,
				"FlowNotExists")
		}
	})
}

// TestScheduleStarts: a schedule starts an execution at its planned second, with its input.
func TestScheduleStarts(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		create(t, u, "scheduled", stateMachine.pass)
		expression, planned := soon()
		ask[scheduleResponse](t, u, "CreateSchedule", params{"FlowName": "scheduled",
			"ScheduleName": "once", "CronExpression": expression, "Payload": `{"n":1}`})
		time.Sleep(time.Until(planned))
		name := fmt.Sprintf("once-%d", planned.Unix())
		started := params{"FlowName": "scheduled", "ExecutionName": name}
		for deadline := planned.Add(90 * time.Second); ; time.Sleep(200 * time.Millisecond) {
			var x execution
			_, err := u.call("DescribeExecution", started, &x)
			if err == nil {
				check(t, "Input", x.Input, `{"payload":{"n":1},"triggerName":"once","triggerTime":"`+
					planned.Format("2006-01-02T15:04:05Z")+`"}`)
				return
			}
			if time.Now().After(deadline) {
				t.Fatal(err)
			}
		}
	})
}

// TestScheduleAsTerraform makes the calls of Terraform's alicloud_fnf_schedule: one request of the
// CommonRequest for each operation, a GET for DeleteSchedule, and its decisions by error codes.
func TestScheduleAsTerraform(t *testing.T) {
	t.Parallel()
	for _, k := range kinds {
		if k.name != "common" {
			continue
		}
		u := user{k.open(t, owner(k)), k}
		c := u.client.(goV1Common)
		call := func(method, operation string, in params) (map[string]any, error) {
			request := requests.NewCommonRequest()
			request.Domain, request.Product, request.Version = c.address, "fnf", apiVersion
			request.ApiName, request.Scheme, request.Method = operation, requests.HTTP, method
			request.QueryParams["RegionId"] = region
			for name, v := range texts(in) {
				if method == requests.GET {
					request.QueryParams[name] = v
				} else {
					request.FormParams[name] = v
				}
			}
			response, err := c.c.ProcessCommonRequest(request)
			if err != nil {
				return nil, goV1Fault(err, c.address)
			}
			var body map[string]any
			return body, json.Unmarshal(response.GetHttpContentBytes(), &body)
		}
		must := func(method, operation string, in params) map[string]any {
			t.Helper()
			body, err := call(method, operation, in)
			if err != nil {
				t.Fatalf("%s: %v", operation, err)
			}
			return body
		}
		create(t, u, "terraform", flowV1.pass)
		id := params{"FlowName": "terraform", "ScheduleName": "s"}
		made := must(requests.POST, "CreateSchedule", params{"FlowName": "terraform",
			"ScheduleName": "s", "CronExpression": "30 9 * * * *", "Description": "d",
			"Enable": "true", "Payload": `{"tf-test": "test success"}`})
		check(t, "ScheduleName", made["ScheduleName"], any("s")) // the resource's id has it
		read := must(requests.GET, "DescribeSchedule", id)
		for name, want := range map[string]any{"CronExpression": "30 9 * * * *", "Description": "d",
			"Enable": true, "Payload": `{"tf-test": "test success"}`, "ScheduleId": made["ScheduleId"]} {
			check(t, name, read[name], want)
		}
		must(requests.POST, "UpdateSchedule", params{"FlowName": "terraform", "ScheduleName": "s",
			"CronExpression": "30 10 * * * *", "Enable": "false"})
		read = must(requests.GET, "DescribeSchedule", id)
		check(t, "Enable", read["Enable"], any(false))
		must(requests.GET, "DeleteSchedule", id)
		for _, operation := range []string{"DescribeSchedule", "DeleteSchedule"} {
			_, err := call(requests.GET, operation, id)
			r, ok := err.(*fault)
			if !ok || r.code != "ScheduleNotExists" || r.status != 404 {
				t.Errorf("%s of a schedule that is gone: %v", operation, err)
			}
		}
		return
	}
	t.Error("the common request is not among the clients")
}
