package e2e_test

import (
	"testing"
	"time"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/rpc"
	"millrace/tests/reference"
)

// judge lets the reference judge the history that a server shows: what its tasks came to is taken
// from it.
func judge(t *testing.T, definition string, language flow.Language, s *flowtest.Setup, shown []rpc.Event) {
	t.Helper()
	events := make([]reference.Event, len(shown))
	for i, e := range shown {
		at, err := time.Parse(time.RFC3339, string(e.Time))
		if err != nil {
			t.Fatal(err)
		}
		events[i] = reference.Event{ID: e.EventID, Schedule: e.ScheduleEventID, Type: e.Type, Step: e.StepName,
			Detail: e.EventDetail, Time: at.UnixMilli()}
	}
	l := flow.DefaultLimits()
	outside := reference.Record{Late: -1, Limits: reference.Limits{Events: l.Events, Data: l.Data(language),
		WaitSeconds: l.WaitSeconds, WaitSecondsOld: l.WaitSecondsOld, MapConcurrency: l.MapConcurrency,
		MapConcurrencyMax: l.MapConcurrencyMax, IterationsOld: l.IterationsOld, TaskSeconds: l.TaskSeconds,
		ExecutionSeconds: l.ExecutionSeconds}}
	context := reference.Context{Flow: s.FlowName, Execution: s.ExecutionName, Account: "1234567890123456",
		Region: "local", RoleArn: s.RoleArn}
	err := reference.Check(definition, string(encode(s.Input)), context, events, outside)
	if _, unjudged := err.(*reference.Unjudged); err != nil && !unjudged {
		t.Error(err)
	}
}
