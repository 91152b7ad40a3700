package cli

import (
	"io"
	"strings"
	"time"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/cron"
	"millrace/shared/rpc/client"
)

// plannedMax is the largest number of planned times that are shown.
const plannedMax = 1000

func scheduleDescribeCommand() *command {
	return &command{
		name: "schedule describe", args: "FLOW SCHEDULE", short: "Show a schedule", server: true,
		argsMin: 2, argsMax: 2,
		long: "It shows the next planned times, in UTC.",
		examples: "millrace schedule describe etl nightly\n" +
			"millrace schedule describe etl nightly --next 20",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			count := f.Int("next", 3, "show `N` planned times, at most 1000")
			return withClient(func(c *invocation, api *client.Client) error {
				if *count < 0 || *count > plannedMax {
					return usagef("--next is 0 to %d", plannedMax)
				}
				got, err := retryThrottled(c, func() (*client.Schedule, error) {
					return api.DescribeSchedule(c.ctx, cloudflow.ScheduleRequest{
						FlowName: c.args[0], ScheduleName: c.args[1]})
				})
				if err != nil {
					return err
				}
				return c.show(got, func(w io.Writer) { showSchedule(w, got, c.Now(), *count) })
			})
		},
	}
}

func showSchedule(w io.Writer, s *client.Schedule, now time.Time, count int) {
	fields(w, "Name", s.ScheduleName, "Id", s.ScheduleID, "Expression", s.CronExpression,
		"Qualifier", s.Qualifier, "Enabled", yesNo(s.Enable), "Description", s.Description,
		"Created", moment(s.CreatedTime), "Modified", moment(s.LastModifiedTime),
		"Next", strings.Join(plannedTimes(s, now, count), ", "))
	document(w, "Payload", s.Payload)
}

func scheduleListCommand() *command {
	return &command{
		name: "schedule list", args: "FLOW", short: "List the schedules of a flow", server: true,
		argsMin: 1, argsMax: 1,
		examples: "millrace schedule list etl",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			p := &pages{}
			p.define(f, "schedules")
			return withClient(func(c *invocation, api *client.Client) error {
				list, more, err := collectSchedules(c, api, c.args[0], *p)
				if err != nil {
					return err
				}
				c.more(more, *p)
				return c.show(struct{ Schedules []client.Schedule }{list}, func(w io.Writer) {
					scheduleTable(w, list, c.Now())
				})
			})
		},
	}
}

func collectSchedules(
	c *invocation, api *client.Client, flowName string, p pages,
) ([]client.Schedule, bool, error) {
	return collect(c, p, 1000, func(token string, n int64) ([]client.Schedule, string, error) {
		got, err := api.ListSchedules(c.ctx,
			cloudflow.ListOfFlowRequest{FlowName: flowName, NextToken: token, Limit: &n})
		if err != nil {
			return nil, "", err
		}
		return got.Schedules, got.NextToken, nil
	})
}

func scheduleTable(w io.Writer, list []client.Schedule, now time.Time) {
	lines := [][]string{{"NAME", "EXPRESSION", "ENABLED", "NEXT", "DESCRIPTION"}}
	for i := range list {
		s := &list[i]
		lines = append(lines, []string{s.ScheduleName, s.CronExpression, yesNo(s.Enable),
			strings.Join(plannedTimes(s, now, 1), ""), cut(s.Description, 60)})
	}
	rows(w, lines)
}

func yesNo(b bool) string {
	if b {
		return "yes"
	}
	return "no"
}

// plannedTimes returns the next planned times of a schedule, in UTC; none if it is disabled. It
// computes them as the server does, because the API does not return them. It returns none for an
// expression that a newer server may know.
func plannedTimes(s *client.Schedule, now time.Time, count int) (times []string) {
	expression, err := cron.Parse(s.CronExpression)
	if err != nil || !s.Enable {
		return nil
	}
	for next := now; len(times) < count; {
		next = expression.Next(next, s.CreatedTime.Time())
		if next.IsZero() {
			break
		}
		times = append(times, next.Format("2006-01-02 15:04:05Z"))
	}
	return times
}
