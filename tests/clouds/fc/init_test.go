package fc_test

import (
	"net/http"
	"strings"
	"sync/atomic"
	"testing"

	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
	"millrace/tests/clouds/fc"
)

// TestStartAsksNothing checks that a starting function sends no request to any service: the first
// event that needs one does.
func TestStartAsksNothing(t *testing.T) {
	both(t, func(t *testing.T, r harness.Runtime) {
		s := fc.Deploy(t, fc.Options{Race: true, Runtime: r, Sweeps: -1})
		var requests atomic.Int64
		s.Store.SetFault(func(tablestore.Request) tablestore.Fault {
			requests.Add(1)
			return tablestore.Fault{}
		})
		response, err := http.Post(s.Trigger, "application/x-www-form-urlencoded",
			strings.NewReader("Action=ListFlows&Version=2019-03-15"))
		if err != nil || response.StatusCode/100 != 4 {
			t.Errorf("a request that is not signed: %+v %v", response, err)
		} else {
			response.Body.Close()
		}
		for _, c := range []struct {
			f     *harness.Function
			event string
			bad   bool
		}{{s.StepRunner, `{"v":99}`, true},
			{s.Starter,
				`{"triggerName":"nobody","triggerTime":"2026-01-31T02:00:00Z","payload":""}`,
				false},
			{s.Sweeper, `{"no":"tick"}`, true}} {
			if _, err := c.f.Invoke([]byte(c.event)); (err != nil) != c.bad {
				t.Errorf("%s of %s: %v", c.event, c.f.Name, err)
			}
			if c.f.ColdStarts() != 1 {
				t.Errorf("%s: %d cold starts", c.f.Name, c.f.ColdStarts())
			}
		}
		sent := s.MNS.Calls()["SendMessage"] + s.MNS.Calls()["BatchSendMessage"] +
			s.MNS.Calls()["GetQueueAttributes"]
		if requests.Load() != 0 || sent != 0 || len(s.Users.Calls()) != 0 {
			t.Errorf("%d requests of the table, %d of the queue, %v", requests.Load(), sent,
				s.Users.Calls())
		}
	})
}
