package clients_test

import (
	"os"
	"path/filepath"
	"testing"
)

// TestOpenServer uses a server without credentials, which accepts every key. The result of a
// waiting task is reported after a restart.
func TestOpenServer(t *testing.T) {
	t.Parallel()
	needs(t, restarts)
	dir := t.TempDir()
	functionsFile := filepath.Join(dir, "functions.yaml")
	if err := os.WriteFile(functionsFile, []byte(functionsYAML(functions.URL)), 0o600); err != nil {
		t.Fatal(err)
	}
	var s *started
	open := func() {
		t.Helper()
		var err error
		if s, err = start("--data", filepath.Join(dir, "data"), "--functions",
			functionsFile); err != nil {
			t.Fatal(err)
		}
	}
	shut := func() {
		t.Helper()
		if err := s.stop(); err != nil {
			t.Error(err)
		}
	}
	with := func(test func(t *testing.T, u user)) {
		t.Helper()
		for _, k := range kinds {
			t.Run(k.name, func(t *testing.T) {
				test(t, user{k.open(t, login{id: "any", secret: "key", address: s.address}), k})
			})
		}
	}
	open()
	tokens := map[string]string{}
	with(func(t *testing.T, u user) {
		name := "open-" + u.kind.name
		// not deleted with the test
		ask[flowResponse](t, u, "CreateFlow", params{"Name": name, "Definition": flowV1.ask,
			"Description": "", "Type": "FDL"})
		tokens[u.kind.name] = waiting(t, u, name, "one")
		refused(t, u, "DescribeFlow", params{"Name": "no-such-flow"}, 404, "FlowNotExists")
	})
	shut()
	open()
	with(func(t *testing.T, u user) {
		name := "open-" + u.kind.name
		x := begin(t, u, name, "one", `{"id":"again"}`)
		check(t, "Status", x.Status, "Running")
		ask[reported](t, u, "ReportTaskSucceeded", params{"TaskToken": tokens[u.kind.name],
			"Output": `{"after":"restart"}`})
		check(t, "Output", end(t, u, name, "one", "Succeeded").Output, `{"after":"restart"}`)
		refused(t, u, "StartExecution", params{"FlowName": name, "ExecutionName": "one"}, 400,
			"ExecutionAlreadyExists")
	})
	shut()
}
