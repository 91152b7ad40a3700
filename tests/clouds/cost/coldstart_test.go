package cost_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"testing"
	"text/tabwriter"
	"time"

	"millrace/tests/clouds"
)

var (
	starts = flag.Int("starts", 2, "how often TestColdStart starts each function")
	sizes  = flag.Bool("sizes", false,
		"TestColdStart builds the functions as they are deployed and tells their sizes")
)

// token is a bearer token of the caller.
const token = "local-only"

// withToken has the callers of a deployment, who may also use the token.
var withToken = `{"accounts":[{"id":"` + clouds.Account + `","keys":[{"id":"` + clouds.KeyID +
	`","secret":"` + clouds.Secret + `"}],"bearerTokens":[{"token":"` + token + `"}]}]}`

// coldFlow is the flow that the tests start.
const coldFlow = "hello"

// coldRules let the recorded events start coldFlow.
const coldRules = `MILLRACE_STARTS=[{"bucket":"my-bucket","prefix":"in/","flow":"` + coldFlow +
	`","account":"` + clouds.Account + `"}]`

// start is what a new process needs.
type start struct {
	// since the process began: until it is ready, and until its first response
	ready, answered time.Duration
	memory          int64 // bytes, maximum
}

// first lists the functions with their first event, for which each of them gets a process of its
// own.
var first = []struct{ function, does string }{
	{"api", "StartExecution: flow read, claim, message"},
	{"steprunner", "a hint: Pass from its start to its end"},
	{"starter", "an event of an object: a start"},
	{"sweeper", "a tick: 16 shards"},
}

// coldTarget is a deployment that starts a function for one event.
type coldTarget interface {
	flows() *clouds.Flows
	// cold starts a function for its i-th first event, and fails the test without a good response.
	// flowID is the id of coldFlow. The execution of a hint has been claimed as claimed(i).
	cold(t *testing.T, function, flowID string, i int) start
}

// claimed returns the name of an execution that waits for a runner.
func claimed(i int) string { return fmt.Sprint("claimed", i) }

// coldTargets lists the deployments, with each way to invoke their functions.
var coldTargets = []struct {
	name, title string
	open        func(t *testing.T) coldTarget
	cloud       clouds.Cloud
	archs       []string
}{
	{"aws", "Lambda, provided.al2023", coldAWS, clouds.AWS, []string{"arm64", "amd64"}},
	{"alibaba-custom", "Function Compute, custom.debian12", coldCustom, clouds.Alibaba, nil},
	{"alibaba-go1", "Function Compute, go1", coldGo1, clouds.Alibaba, []string{"amd64"}},
}

// TestColdStart prints how long each function takes from the start of its process to its first
// response, and how much memory that takes. It checks only what does not depend on the machine's
// speed: every process responds.
func TestColdStart(t *testing.T) {
	for _, h := range coldTargets {
		t.Run(h.name, func(t *testing.T) {
			var out bytes.Buffer
			writeStarts(t, &out, h.title, h.open(t))
			if *sizes && h.archs != nil {
				writeSizes(t, &out, h.cloud, h.archs)
			}
			if testing.Verbose() {
				io.Copy(os.Stdout, &out)
			}
		})
	}
}

func writeStarts(t *testing.T, w io.Writer, title string, h coldTarget) {
	flows := h.flows()
	flows.Define(coldFlow, "- {Name: A, Type: Pass, End: true}\n")
	described, err := flows.Client.DescribeFlow(t.Context(), coldFlow)
	if err != nil {
		t.Fatal(err)
	}
	for i := range *starts {
		flows.Start(coldFlow, claimed(i), "{}")
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintf(table, "\n%s\tfirst event\tready, ms\tanswered, ms\tslowest\tmemory, MB\t\n", title)
	for _, f := range first {
		var ready, answered, memory []float64
		for i := range *starts {
			s := h.cold(t, f.function, described.ID, i)
			ready = append(ready, s.ready.Seconds()*1000)
			answered = append(answered, s.answered.Seconds()*1000)
			memory = append(memory, float64(s.memory)/1e6)
		}
		fmt.Fprintf(table, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t\n", f.function, f.does, median(ready),
			median(answered), slices.Max(answered), median(memory))
	}
	table.Flush()
	fmt.Fprintf(w, "Medians of %d processes, here, with the emulators of table and queue beside "+
		"them; both are new to the process.\n", *starts)
}

func median(list []float64) float64 {
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// startForm returns a request that starts an execution.
func startForm(i int) string {
	return url.Values{"Action": {"StartExecution"}, "Version": {"2019-03-15"},
		"BearerToken": {token},
		"FlowName":    {coldFlow}, "ExecutionName": {fmt.Sprint("cold", i)},
		"Input": {`{"a":1}`}}.Encode()
}

// hint returns a message for an execution that has been claimed.
func hint(flowID string, i int) string {
	return fmt.Sprintf(`{"v":1,"p":"x#%s#%s"}`, flowID, claimed(i))
}

// recorded returns an event from a file.
func recorded(t *testing.T, path string) []byte {
	t.Helper()
	text, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// object returns a recorded event with the i-th object.
func object(text []byte, i int) []byte {
	return bytes.ReplaceAll(text, []byte(`"key":"in/`), fmt.Appendf(nil, `"key":"in/%d-`, i))
}

// compact returns a JSON text without white space.
func compact(t *testing.T, text []byte) []byte {
	t.Helper()
	var out bytes.Buffer
	if err := json.Compact(&out, text); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

// writeSizes builds the functions as they are deployed and writes their sizes, uncompressed and in
// a zip.
func writeSizes(t *testing.T, w io.Writer, cloud clouds.Cloud, archs []string) {
	root, err := clouds.Root()
	if err != nil {
		t.Fatal(err)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprint(table, "function")
	for _, arch := range archs {
		fmt.Fprintf(table, "\t%s, MB\tzip", arch)
	}
	fmt.Fprintln(table, "\t")
	for _, f := range clouds.Functions {
		fmt.Fprint(table, f)
		for _, arch := range archs {
			path := filepath.Join(t.TempDir(), "bootstrap")
			cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags",
				"lambda.norpc,"+string(cloud), "-ldflags", "-s -w -buildid=", "-o", path,
				"./functions/"+f)
			cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux",
				"GOARCH="+arch)
			if text, err := cmd.CombinedOutput(); err != nil {
				t.Fatalf("%v\n%s", err, text)
			}
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			fmt.Fprintf(table, "\t%.1f\t%.1f", float64(len(text))/1e6, float64(zipped(t, text))/1e6)
		}
		fmt.Fprintln(table, "\t")
	}
	table.Flush()
}

func zipped(t *testing.T, text []byte) int {
	t.Helper()
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	w, err := z.Create("bootstrap")
	if err == nil {
		_, err = w.Write(text)
	}
	if err := errors.Join(err, z.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Len()
}
