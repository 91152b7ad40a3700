package clouds_test

import (
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
)

// testEventStarts checks that the recorded events start one execution for each record, however
// often and by whichever way they come. An event that fails comes again, and finally becomes a dead
// letter.
func testEventStarts(t *testing.T, s *stack) {
	s.Define("imported", pass)
	from := s.starts()
	names := func() []string {
		var names []string
		for q := (cloudflow.ListExecutionsRequest{FlowName: "imported"}); ; {
			page, err := s.Client.ListExecutions(t.Context(), q)
			if err != nil {
				t.Fatal(err)
			}
			for _, x := range page.Executions {
				names = append(names, x.Name)
			}
			if q.NextToken = page.NextToken; q.NextToken == "" {
				return names
			}
		}
	}
	for range 3 {
		for _, event := range from.events {
			from.deliver(event)
		}
	}
	eventually(t, func() (bool, string) {
		got := names()
		return len(got) >= from.names && from.idle(), "only " + strings.Join(got, " ") +
			" were started"
	})
	started := names()
	if len(started) != from.names {
		t.Errorf("%d executions, want %d: %s", len(started), from.names, started)
	}
	for _, name := range started {
		x := s.Wait("imported", name, 3*time.Minute)
		if x.Status != "Succeeded" || !strings.Contains(x.Output, `"bucket":"my-bucket"`) &&
			!strings.Contains(x.Output, `"origin":`) {
			t.Errorf("%s: %s %s", name, x.Status, x.Output)
		}
	}
	if err := s.Client.DeleteFlow(t.Context(), "imported"); err != nil {
		t.Fatal(err)
	}
	for name, event := range from.events {
		if !strings.Contains(name, "test") {
			from.deliver(event)
		}
	}
	from.deliver("{}")
	eventually(t, func() (bool, string) {
		return from.deadLetters() >= 3,
			"events for a flow that is not there, or of no kind, do not become dead letters"
	})
}
