package server

import (
	"testing"

	"millrace/shared/cloudflow"
)

// TestHiddenOnTheWire checks how responses say what they do not show.
func TestHiddenOnTheWire(t *testing.T) {
	x := cloudflow.Execution{FlowName: "f", Name: "x", MetadataOnly: true, Status: "Running",
		Hidden: &cloudflow.Hidden{Input: &cloudflow.Shape{Type: "object", Members: 2, Bytes: 30},
			Paths: []string{"customer.card", "token"}}}
	const execution = `{"FlowName":"f","Name":"x","Status":"Running","StartedTime":"",` +
		`"StoppedTime":"","Hidden":{"Input":{"Type":"object","Members":2,"Bytes":30},` +
		`"Paths":["customer.card","token"]}`
	for name, render := range map[string]func([]byte, *cloudflow.Execution) []byte{
		"started": appendStarted, "stopped": appendStopped, "described": appendDescribed,
	} {
		if got := string(render([]byte("{"), &x)); got != execution {
			t.Errorf("%s: %s", name, got)
		}
	}
	sync := &cloudflow.SyncExecution{}
	sync.Hidden = &cloudflow.Hidden{ErrorMessage: &cloudflow.Shape{Type: "string", Bytes: 9}}
	const result = `{"FlowName":"","Name":"","Output":"","Status":"","StartedTime":"",` +
		`"StoppedTime":"","ErrorCode":"","ErrorMessage":"",` +
		`"Hidden":{"ErrorMessage":{"Type":"string","Members":0,"Bytes":9}}`
	if got := string(appendSyncExecution([]byte("{"), sync)); got != result {
		t.Errorf("result: %s", got)
	}
	page := &cloudflow.EventPage{Events: []cloudflow.Event{{ID: 1, Detail: "{}", Hidden: true}}}
	const events = `{"Events":[{"Type":"","StepName":"","EventId":1,"ScheduleEventId":0,` +
		`"EventDetail":"{}","Time":"","Hidden":true}]`
	if got := string(appendEventPage([]byte("{"), page)); got != events {
		t.Errorf("events: %s", got)
	}
}
