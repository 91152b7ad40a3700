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
	"strings"
	"testing"
	"text/tabwriter"
	"time"

	"millrace/tests/lambda"
)

var (
	starts = flag.Int("starts", 2, "how often TestColdStart starts each function")
	sizes  = flag.Bool("sizes", false, "TestColdStart builds for both architectures")
)

// first is a function with the events that it gets first, each in a process of its own.
type first struct {
	name, does string
	event      func(i int) []byte
	good       string // is in every answer
}

// TestColdStart prints how long each function takes from the start of its process to its first answer, and how much
// memory that takes. It bounds nothing but what does not depend on the machine's speed: every process answers.
func TestColdStart(t *testing.T) {
	const flow = "hello"
	s := lambda.Deploy(t, lambda.Options{Sweeps: -1, Poller: func(p *lambda.Poller) { p.Lost = 1 },
		Credentials: `{"accounts":[{"id":"` + lambda.Account + `","keys":[{"id":"` + lambda.KeyID + `","secret":"` + lambda.Secret + `"}],"bearerTokens":[{"token":"local-only"}]}]}`,
		Env:         []string{`MILLRACE_STARTS=[{"bucket":"my-bucket","prefix":"in/","flow":"hello","account":"` + lambda.Account + `"}]`}})
	s.Define(flow, "- {Name: A, Type: Pass, End: true}\n")
	described, err := s.Client.DescribeFlow(t.Context(), flow)
	if err != nil {
		t.Fatal(err)
	}
	for i := range *starts {
		s.Start(flow, fmt.Sprint("claimed", i), "{}")
	}
	var out bytes.Buffer
	table := tabwriter.NewWriter(&out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "function\tfirst event\tready, ms\tanswered, ms\tslowest\tmemory, MB\t")
	for _, f := range []first{
		{"api", "StartExecution: flow read, claim, message", startExecution(t, flow), `"statusCode":200`},
		{"steprunner", "a hint: Pass from its start to its end", func(i int) []byte { return hint(described.ID, fmt.Sprint("claimed", i)) }, `{"batchItemFailures":[]}`},
		{"starter", "an S3 event: two starts", s3Event(t), ""},
		{"sweeper", "a tick: 16 shards", func(int) []byte { return []byte(`{"kind":"sweep"}`) }, ""},
	} {
		measure(t, s, f, table)
	}
	table.Flush()
	fmt.Fprintf(&out, "\nMedians of %d processes, here, with the emulators of table and queue beside them; both are new to the process.\n", *starts)
	if *sizes {
		writeSizes(t, &out)
	}
	if testing.Verbose() {
		io.Copy(os.Stdout, &out)
	}
}

func measure(t *testing.T, s *lambda.Stack, f first, table io.Writer) {
	t.Helper()
	function := s.Function(f.name, 29*time.Second, 1, s.Plain, nil)
	var ready, answered, memory []float64
	for i := range *starts {
		start, answer, err := function.Cold(f.event(i))
		if err != nil || !strings.Contains(string(answer), f.good) {
			t.Fatalf("%s: %s %v\n%s", f.name, answer, err, function.Output())
		}
		ready = append(ready, start.Init.Seconds()*1000)
		answered = append(answered, start.Answer.Seconds()*1000)
		memory = append(memory, float64(start.Memory)/1e6)
	}
	fmt.Fprintf(table, "%s\t%s\t%.1f\t%.1f\t%.1f\t%.1f\t\n", f.name, f.does, median(ready), median(answered), slices.Max(answered), median(memory))
}

func median(list []float64) float64 {
	slices.Sort(list)
	return (list[(len(list)-1)/2] + list[len(list)/2]) / 2
}

// startExecution makes requests to start an execution, as the HTTP API hands them on.
func startExecution(t *testing.T, flow string) func(i int) []byte {
	event := recorded(t, "api-start-execution")
	return func(i int) []byte {
		form := url.Values{"Action": {"StartExecution"}, "Version": {"2019-03-15"}, "BearerToken": {"local-only"},
			"FlowName": {flow}, "ExecutionName": {fmt.Sprint("cold", i)}, "Input": {`{"a":1}`}}
		event["body"], event["isBase64Encoded"] = form.Encode(), false
		return encode(t, event)
	}
}

// s3Event makes events of objects.
func s3Event(t *testing.T) func(i int) []byte {
	text := encode(t, recorded(t, "starter-s3"))
	return func(i int) []byte {
		return bytes.ReplaceAll(text, []byte(`"key":"in/`), fmt.Appendf(nil, `"key":"in/%d-`, i))
	}
}

func hint(flowID, execution string) []byte {
	body, _ := json.Marshal(fmt.Sprintf(`{"v":1,"p":"x#%s#%s"}`, flowID, execution))
	return fmt.Appendf(nil, `{"Records":[{"messageId":"m","receiptHandle":"r","body":%s,"attributes":{},"messageAttributes":{},"eventSource":"aws:sqs","eventSourceARN":"arn:aws:sqs:us-east-1:000000000000:steps","awsRegion":"us-east-1"}]}`, body)
}

func recorded(t *testing.T, name string) map[string]any {
	t.Helper()
	text, err := os.ReadFile("../testdata/events/aws/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	var event map[string]any
	if err := json.Unmarshal(text, &event); err != nil {
		t.Fatal(err)
	}
	return event
}

func encode(t *testing.T, event any) []byte {
	t.Helper()
	text, err := json.Marshal(event)
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// writeSizes builds the functions as `make package-aws` does and tells how large they are, as they are and in a zip.
func writeSizes(t *testing.T, w io.Writer) {
	root, err := lambda.Root()
	if err != nil {
		t.Fatal(err)
	}
	table := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(table, "\nfunction\tarm64, MB\tzip\tx86_64, MB\tzip\t")
	for _, f := range lambda.Functions {
		fmt.Fprint(table, f)
		for _, arch := range []string{"arm64", "amd64"} {
			path := filepath.Join(t.TempDir(), "bootstrap")
			cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-tags", "lambda.norpc,millrace_aws", "-ldflags", "-s -w -buildid=", "-o", path, "./functions/"+f)
			cmd.Dir, cmd.Env = root, append(os.Environ(), "CGO_ENABLED=0", "GOOS=linux", "GOARCH="+arch)
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
