package clients_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestStartSync runs Express flows. The response has their result, also if they fail.
func TestStartSync(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		express := func(name, text string) string {
			f := createWith(t, u, params{"Name": name, "Definition": definition(text, name),
				"Description": "", "Type": "FDL", "ExecutionMode": "Express"})
			check(t, "ExecutionMode", f.ExecutionMode, "Express")
			return name
		}
		echo, broken := express("sync-echo-"+l.name, l.echo),
			express("sync-broken-"+l.name, l.broken)

		names := map[string]bool{}
		for range 2 { // the same name may be used again
			x := ask[execution](t, u, "StartSyncExecution",
				params{"FlowName": echo, "ExecutionName": "same", "Input": `{"value":"同步 +/="}`})
			check(t, "Status", x.Status, "Succeeded")
			check(t, "Output", x.Output, `{"value":"同步 +/="}`)
			check(t, "error", x.ErrorCode+x.ErrorMessage, "")
			head, tail, _ := strings.Cut(x.Name, ":")
			if head != "same" || !uuid.MatchString(tail) || names[x.Name] {
				t.Errorf("Name %q", x.Name)
			}
			names[x.Name] = true
			if !moment.MatchString(x.StartedTime) || !moment.MatchString(x.StoppedTime) {
				t.Errorf("from %q to %q", x.StartedTime, x.StoppedTime)
			}
		}
		x := ask[execution](t, u, "StartSyncExecution",
			params{"FlowName": broken, "Input": `{"error":"Boom","cause":"坏 + why"}`})
		check(t, "end", fmt.Sprint(x.Status, x.Output, x.ErrorCode, x.ErrorMessage),
			fmt.Sprint("Failed", "", "Boom", "坏 + why"))

		standard := "sync-standard-" + l.name
		create(t, u, standard, l.pass)
		message := refused(t, u, "StartSyncExecution", params{"FlowName": standard}, 400,
			"ActionNotSupported")
		check(t, "message", message, "Standard execution is not supported")
		refused(t, u, "StartSyncExecution", params{"FlowName": "no-such-flow"}, 404,
			"FlowNotExists")
	})
}
