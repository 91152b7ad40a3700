package local_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"millrace/shared/app/local"
	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

const objectsFlow = `Type: StateMachine
SpecVersion: v1
Name: import
StartAt: Rows
States:
  - Name: Rows
    Type: Map
    ItemReader:
      ReaderConfig: {InputType: CSV}
      Parameters: {Bucket: inbox, Key.$: $Input.key}
    ResultWriter: {Parameters: {Bucket: outbox, Prefix: runs}}
    ProcessorConfig: {ExecutionMode: Standard}
    Processor: {StartAt: Row, States: [{Name: Row, Type: Pass, End: true}]}
    End: true
`

// TestObjects: a flow reads items from a directory of the functions file, and writes its results to
// another one. What is outside is not there.
func TestObjects(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"in/orders.csv": "id,name\n7,\"a, b\"\n8,c\n", "secret.csv": "id\n1\n",
		"functions.yaml": "objects:\n  - {bucket: inbox, dir: in}\n  - {bucket: outbox, dir: out}\n",
		"out/.keep":      "",
	} {
		file := filepath.Join(dir, filepath.FromSlash(name))
		if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := serve(t, local.Config{Functions: filepath.Join(dir, "functions.yaml")})
	if _, err := c.CreateFlow(t.Context(), cloudflow.CreateFlowRequest{Name: "import",
		Definition: objectsFlow, Type: "FDL", Description: "d"}); err != nil {
		t.Fatal(err)
	}
	run := func(name, key string) *client.Execution {
		input, seconds := fmt.Sprintf(`{"key":%q}`, key), int64(20)
		if _, err := c.StartExecution(context.Background(), cloudflow.StartExecutionRequest{
			FlowName: "import", ExecutionName: name, Input: input}); err != nil {
			t.Fatal(err)
		}
		x, err := c.DescribeExecution(context.Background(), cloudflow.DescribeExecutionRequest{
			FlowName: "import", ExecutionName: name, WaitTimeSeconds: &seconds})
		if err != nil {
			t.Fatal(err)
		}
		return x
	}
	if x := run("good", "orders.csv"); x.Status != "Succeeded" {
		t.Fatalf("%+v", x)
	}
	files, err := filepath.Glob(filepath.Join(dir, "out", "runs", "*", "SUCCEEDED_0.json"))
	if err != nil || len(files) != 1 {
		t.Fatal(files, err)
	}
	text, err := os.ReadFile(files[0])
	for _, want := range []string{`{"id":"7","name":"a, b"}`, `{"id":"8","name":"c"}`} {
		if err != nil || !strings.Contains(string(text), want) {
			t.Errorf("%s %v", text, err)
		}
	}
	if x := run("outside", "../secret.csv"); x.Status != "Failed" {
		t.Errorf("%+v", x)
	}
}
