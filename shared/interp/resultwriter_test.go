package interp_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

const writing = "ResultWriter: {Parameters: {Bucket: out, Prefix.$: $Input.p}}\n"

// drain runs an execution to its end, and returns the files that it writes: key and text. Each
// child returns its input, or fails if that is "bad". before is called before each step but the
// first.
func drain(r *harness, before func()) map[string]string {
	r.t.Helper()
	files := map[string]string{}
	calls := r.step(0).Calls
	for at := int64(1); len(calls) > 0; at++ {
		c := calls[0]
		message := interp.Message{Kind: interp.CallCompleted, Attempt: c.Attempt, Output: []byte("{}")}
		switch {
		case c.WritesResults:
			var f struct{ Bucket, Key, Body string }
			if err := json.Unmarshal(c.Params.Text(), &f); err != nil || f.Bucket != "out" {
				r.t.Fatalf("%s %v", c.Params.Text(), err)
			}
			if old, twice := files[f.Key]; twice {
				r.t.Errorf("%s is written twice: %s, %s", f.Key, old, f.Body)
			}
			files[f.Key] = f.Body
		case string(c.Params.Text()) == `"bad"`:
			message.Output, message.Error = nil, &flow.Error{Name: "Broken", Cause: "because"}
		default:
			message.Output = c.Params.Text()
		}
		before()
		calls = append(calls[1:], r.step(at, message).Calls...)
	}
	return files
}

// TestResultWriter: the results stand in files by their outcome, which the manifest lists, and the
// result of the state names the manifest.
func TestResultWriter(t *testing.T) {
	const input = `{"items":[1,"bad",{"a":2}],"p":"runs"}`
	for _, stored := range []bool{false, true} {
		r := newHarness(t, mapRunDefinition(flow.Express,
			"MaxConcurrency: 1\nToleratedFailureCount: 1\n"+writing), input)
		before := func() {}
		if stored {
			before = r.reload
		}
		files := drain(r, before)
		name := r.s.MapRuns()[0].Name
		for key, want := range map[string]string{
			"SUCCEEDED_0.json": `[{"Name":"` + name + `-0","Output":1,"Status":"Succeeded"},` +
				`{"Name":"` + name + `-2","Output":{"a":2},"Status":"Succeeded"}]`,
			"FAILED_0.json": `[{"Cause":"because","Error":"Broken","Name":"` + name +
				`-1","Status":"Failed"}]`,
			"manifest.json": fmt.Sprintf(`{"DestinationBucket":"out","MapRunName":"%s","ResultFiles":`+
				`{"FAILED":[{"Key":"runs/%s/FAILED_0.json","Size":%d}],"PENDING":[],"SUCCEEDED":`+
				`[{"Key":"runs/%s/SUCCEEDED_0.json","Size":%d}]}}`, name, name,
				len(files["runs/"+name+"/FAILED_0.json"]), name,
				len(files["runs/"+name+"/SUCCEEDED_0.json"])),
		} {
			if got := files["runs/"+name+"/"+key]; got != want {
				t.Errorf("%s: %s, want %s", key, got, want)
			}
		}
		if len(files) != 3 {
			t.Errorf("%d files", len(files))
		}
		r.wantCounts("Succeeded: 0 pending, 0 running, 2 succeeded, 1 failed, 0 aborted of 3")
		if got := string(r.s.Output.Text()); got != `{"MapRunName":"`+name+
			`","ResultWriterDetails":{"Bucket":"out","Key":"runs/`+name+`/manifest.json"}}` {
			t.Errorf("the output is %s", got)
		}
	}
}

// TestResultWriterFiles: files are written while children run, each when it is long enough, so that
// neither the state nor a file grows with the number of results.
func TestResultWriterFiles(t *testing.T) {
	const n = 400
	r := newHarness(t, mapRunDefinition(flow.Express, "MaxConcurrency: 5\n"+writing),
		`{"p":"","items":[`+strings.Repeat(`"`+strings.Repeat("x", 10_000)+`",`, n-1)+`"last"]}`)
	r.limits.EventBytes = 8 << 20
	most := 0
	files := drain(r, func() { most = max(most, r.s.Size()) })
	results := 0
	for key, text := range files {
		var list []any
		if strings.Contains(key, "SUCCEEDED") {
			if err := json.Unmarshal([]byte(text), &list); err != nil || len(text) > 2<<20 {
				t.Errorf("%s of %d bytes: %v", key, len(text), err)
			}
		}
		results += len(list)
	}
	// The input of 4 MB is held in several places, the results of at most two files besides.
	if len(files) != 5 || results != n || most > 30<<20 || r.s.Status != flow.Succeeded {
		t.Errorf("%d files with %d results, %d bytes, %v", len(files), results, most, r.s.Error)
	}
}

// TestResultWriterFails: a file that cannot be written fails the Map. What cannot be read again is
// not redriven.
func TestResultWriterFails(t *testing.T) {
	r := newHarness(t, mapRunDefinition(flow.Express, writing), `{"items":[],"p":"x"}`)
	calls := r.step(0).Calls
	if len(calls) != 1 || !calls[0].WritesResults {
		t.Fatalf("%+v", calls)
	}
	late := interp.Message{Kind: interp.CallCompleted, Attempt: calls[0].Attempt,
		Error: &flow.Error{Name: flow.ErrResultWriter, Cause: "no"}}
	fx := r.step(1, late)
	r.wantEvents(fx, flow.StateFailed, flow.ExecutionFailed)
	r.wantRejections(r.step(2, late), interp.AlreadyEnded)
	r.wantCounts("Failed: 0 pending, 0 running, 0 succeeded, 0 failed, 0 aborted of 0")
	fx = r.step(3, interp.Message{Kind: interp.RedriveRequested})
	r.wantRejections(fx, interp.NotRedrivable)
}
