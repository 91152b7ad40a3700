package cost_test

import (
	"fmt"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"

	"millrace/tests/clouds"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/fc"
)

// fcFunctions are functions in Function Compute whose queue delivers nothing.
type fcFunctions struct{ *fc.Stack }

func coldCustom(t *testing.T) coldTarget { return coldAlibaba(t, harness.Custom) }
func coldGo1(t *testing.T) coldTarget    { return coldAlibaba(t, harness.BuiltIn) }

func coldAlibaba(t *testing.T, r harness.Runtime) coldTarget {
	s := fc.Deploy(t, fc.Options{Runtime: r, Sweeps: -1, Credentials: withToken,
		Env:      []string{coldRules},
		Function: func(f *harness.Function) { f.Hooks = false }}) // as in s.yaml
	s.MNS.SetFaults(mns.Faults{Lose: 1})
	return fcFunctions{s}
}

func (f fcFunctions) flows() *clouds.Flows { return &f.Flows }

func (f fcFunctions) cold(t *testing.T, function, flowID string, i int) start {
	t.Helper()
	deployed := map[string]*harness.Function{"api": f.API, "steprunner": f.StepRunner,
		"starter": f.Starter, "sweeper": f.Sweeper}[function]
	invoke := func(event string) func() error {
		return func() error {
			_, err := deployed.Invoke([]byte(event))
			return err
		}
	}
	var call func() error
	switch function {
	case "api":
		call = func() error { return f.request(i) }
	case "steprunner":
		// the invocation that advances the execution, not the one that only starts it
		call = invoke(hint(flowID, i))
	case "starter":
		event := recorded(t, "../serverless-devs/events/starter-oss.json")
		call = invoke(string(object(compact(t, event), i)))
	default:
		call = invoke(string(recorded(t, "../serverless-devs/events/sweeper-tick.json")))
	}
	s, err := deployed.Cold(call)
	if err != nil {
		t.Fatalf("%s: %v\n%s", function, err, deployed.Output())
	}
	return start{s.Init, s.Answer, s.Memory}
}

// request sends the request through the HTTP trigger.
func (f fcFunctions) request(i int) error {
	r := httptest.NewRequest(http.MethodPost, "http://api.fcapp.run/",
		strings.NewReader(startForm(i)))
	r.Header.Set("Content-Type", "application/x-www-form-urlencoded")
	w := httptest.NewRecorder()
	harness.Trigger{Function: f.API}.ServeHTTP(w, r)
	if w.Code != http.StatusOK {
		return fmt.Errorf("status %d: %s", w.Code, w.Body)
	}
	return nil
}
