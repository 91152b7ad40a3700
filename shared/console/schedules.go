package console

import (
	"net/url"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/cron"
	"millrace/shared/rpc/client"
)

// plannedShown is how many planned times a page shows of a schedule.
const plannedShown = 5

// schedulesPage shows the schedules of a flow.
type schedulesPage struct {
	Flow      string
	Schedules []schedule
	More      bool // there are others
	Wrong     string
	// What the reader has typed into the form of a new schedule.
	Name, Expression, Payload, Qualifier string
}

// schedule is a schedule with its next times.
type schedule struct {
	client.Schedule
	Planned []client.Timestamp // none while it is disabled
}

func (pr *pageRequest) schedules() error {
	return pr.showSchedules(schedulesPage{Expression: "0 0 4 * * *", Payload: "{}"})
}

// showSchedules shows the schedules of the address's flow, with what the reader has typed.
func (pr *pageRequest) showSchedules(p schedulesPage) error {
	p.Flow = pr.r.PathValue("flow")
	limit := int64(1000)
	got, err := pr.api.ListSchedules(pr.ctx, cloudflow.ListOfFlowRequest{FlowName: p.Flow,
		Limit: &limit})
	if err != nil {
		return err
	}
	for _, s := range got.Schedules {
		p.Schedules = append(p.Schedules, schedule{s, planned(s, pr.console.Now())})
	}
	p.More = got.NextToken != ""
	return pr.ok("schedules", pr.page.T("schedules of", p.Flow), p)
}

// planned returns the next times of a schedule after now.
func planned(s client.Schedule, now time.Time) (times []client.Timestamp) {
	expression, err := cron.Parse(s.CronExpression)
	if err != nil || !s.Enable {
		return nil
	}
	for len(times) < plannedShown {
		if now = expression.Next(now, s.CreatedTime.Time()); now.IsZero() {
			break
		}
		times = append(times, client.Timestamp(now.UTC().Format(time.RFC3339)))
	}
	return times
}

func (pr *pageRequest) createSchedule() error {
	p := schedulesPage{Name: pr.r.PostFormValue("name"), Expression: pr.r.PostFormValue("expression"),
		Payload: pr.r.PostFormValue("payload"), Qualifier: pr.r.PostFormValue("qualifier")}
	_, err := pr.api.CreateSchedule(pr.ctx, cloudflow.CreateScheduleRequest{
		FlowName: pr.r.PathValue("flow"), ScheduleName: p.Name, CronExpression: p.Expression,
		Payload: p.Payload, Qualifier: p.Qualifier})
	return pr.afterSchedule(p, err)
}

// changeSchedule enables, disables or deletes a schedule.
func (pr *pageRequest) changeSchedule() error {
	flowName, name := pr.r.PathValue("flow"), pr.r.PostFormValue("name")
	var err error
	if pr.r.PostFormValue("delete") != "" {
		err = pr.api.DeleteSchedule(pr.ctx, cloudflow.ScheduleRequest{FlowName: flowName,
			ScheduleName: name})
	} else {
		enable := pr.r.PostFormValue("enable") != ""
		_, err = pr.api.UpdateSchedule(pr.ctx, cloudflow.UpdateScheduleRequest{FlowName: flowName,
			ScheduleName: name, Enable: &enable})
	}
	return pr.afterSchedule(schedulesPage{Expression: "0 0 4 * * *", Payload: "{}"}, err)
}

// afterSchedule leads back to the schedules, or shows what is wrong beside what was typed.
func (pr *pageRequest) afterSchedule(p schedulesPage, err error) error {
	if p.Wrong = faultOf(err); p.Wrong != "" {
		return pr.showSchedules(p)
	} else if err != nil {
		return err
	}
	return pr.to("flows/" + url.PathEscape(pr.r.PathValue("flow")) + "/schedules")
}
