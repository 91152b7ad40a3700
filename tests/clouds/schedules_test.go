package clouds_test

import (
	"fmt"
	"testing"
	"time"

	"millrace/shared/cloudflow"
)

// testSchedules lets schedules start their flow: by a delayed hint of the queue, or by the sweeper
// if that is faster. One that is disabled, or deleted, starts nothing.
func testSchedules(t *testing.T, s *stack, _ *service) {
	s.Define("timed", pass)
	planned := time.Now().UTC().Add(4 * time.Second).Truncate(time.Second)
	expression := fmt.Sprintf("%d %d %d * * ?", planned.Second(), planned.Minute(), planned.Hour())
	no := false
	for _, name := range []string{"due", "disabled", "deleted"} {
		made, err := s.Client.CreateSchedule(t.Context(), cloudflow.CreateScheduleRequest{
			FlowName: "timed", ScheduleName: name, CronExpression: expression, Payload: `{"n":1}`})
		if err != nil || !made.Enable || made.ScheduleName != name {
			t.Fatalf("%+v, %v", made, err)
		}
	}
	if got, err := s.Client.UpdateSchedule(t.Context(), cloudflow.UpdateScheduleRequest{
		FlowName: "timed", ScheduleName: "disabled", Enable: &no}); err != nil || got.Enable {
		t.Fatalf("%+v, %v", got, err)
	}
	if err := s.Client.DeleteSchedule(t.Context(), cloudflow.ScheduleRequest{FlowName: "timed",
		ScheduleName: "deleted"}); err != nil {
		t.Fatal(err)
	}
	time.Sleep(time.Until(planned))
	name := fmt.Sprintf("due-%d", planned.Unix())
	want := `{"payload":{"n":1},"triggerName":"due","triggerTime":"` +
		planned.Format("2006-01-02T15:04:05Z") + `"}`
	eventually(t, func() (bool, string) {
		_, err := s.Client.DescribeExecution(t.Context(), cloudflow.DescribeExecutionRequest{
			FlowName: "timed", ExecutionName: name})
		return err == nil, fmt.Sprint(err)
	})
	s.Succeeded("timed", name, want)
	page, err := s.Client.ListExecutions(t.Context(),
		cloudflow.ListExecutionsRequest{FlowName: "timed"})
	if err != nil || len(page.Executions) != 1 {
		t.Errorf("%+v, %v", page, err)
	}
	list, err := s.Client.ListSchedules(t.Context(), cloudflow.ListOfFlowRequest{FlowName: "timed"})
	if err != nil || len(list.Schedules) != 2 || list.Schedules[0].ScheduleName != "disabled" {
		t.Errorf("%+v, %v", list, err)
	}
}
