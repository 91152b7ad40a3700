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

func (v *visit) schedules() error {
	return v.showSchedules(schedulesPage{Expression: "0 0 4 * * *", Payload: "{}"})
}

// showSchedules shows the schedules of the address's flow, with what the reader has typed.
func (v *visit) showSchedules(p schedulesPage) error {
	p.Flow = v.r.PathValue("flow")
	limit := int64(1000)
	got, err := v.api.ListSchedules(v.ctx, cloudflow.ListOfFlowRequest{FlowName: p.Flow,
		Limit: &limit})
	if err != nil {
		return err
	}
	for _, s := range got.Schedules {
		p.Schedules = append(p.Schedules, schedule{s, planned(s, v.console.Now())})
	}
	p.More = got.NextToken != ""
	return v.ok("schedules", v.page.T("schedules of", p.Flow), p)
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

func (v *visit) createSchedule() error {
	p := schedulesPage{Name: v.r.PostFormValue("name"), Expression: v.r.PostFormValue("expression"),
		Payload: v.r.PostFormValue("payload"), Qualifier: v.r.PostFormValue("qualifier")}
	_, err := v.api.CreateSchedule(v.ctx, cloudflow.CreateScheduleRequest{
		FlowName: v.r.PathValue("flow"), ScheduleName: p.Name, CronExpression: p.Expression,
		Payload: p.Payload, Qualifier: p.Qualifier})
	return v.afterSchedule(p, err)
}

// changeSchedule enables, disables or deletes a schedule.
func (v *visit) changeSchedule() error {
	flowName, name := v.r.PathValue("flow"), v.r.PostFormValue("name")
	var err error
	if v.r.PostFormValue("delete") != "" {
		err = v.api.DeleteSchedule(v.ctx, cloudflow.ScheduleRequest{FlowName: flowName,
			ScheduleName: name})
	} else {
		enable := v.r.PostFormValue("enable") != ""
		_, err = v.api.UpdateSchedule(v.ctx, cloudflow.UpdateScheduleRequest{FlowName: flowName,
			ScheduleName: name, Enable: &enable})
	}
	return v.afterSchedule(schedulesPage{Expression: "0 0 4 * * *", Payload: "{}"}, err)
}

// afterSchedule leads back to the schedules, or shows what is wrong beside what was typed.
func (v *visit) afterSchedule(p schedulesPage, err error) error {
	if p.Wrong = faultOf(err); p.Wrong != "" {
		return v.showSchedules(p)
	} else if err != nil {
		return err
	}
	return v.to("flows/" + url.PathEscape(v.r.PathValue("flow")) + "/schedules")
}
