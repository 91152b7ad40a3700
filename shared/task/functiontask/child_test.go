package functiontask_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"

	"millrace/shared/task/functiontask"
)

// TestMain also runs the functions: the tests start this binary again with CHILD set.
func TestMain(m *testing.M) {
	if run := children[os.Getenv("CHILD")]; run != nil {
		run()
		return
	}
	os.Exit(m.Run())
}

var children = map[string]func(){
	"lambda": func() { lambda.Start(lambdaFunction) },
	"stream": func() {
		lambda.Start(func() (*brokenStream, error) { return &brokenStream{}, nil })
	},
	"fc":     func() { fc.Start(fcFunction) },
	"exit":   func() { os.Exit(3) },
	"hang":   func() { time.Sleep(time.Hour) },
	"family": family,
	"probe":  func() { os.Stdout.WriteString(probe(os.Getenv("ADDRESS"), os.Getenv("HOST"), nil)) },
	"orphan": orphan,
	"descriptors": func() {
		r := functiontask.New(functiontask.Options{
			Functions: []functiontask.Function{child("lambda")},
		})
		got := r.Run(context.Background(), request(`{"do":"descriptors"}`))
		os.Stdout.Write(got.Output)
		r.Close(context.Background())
	},
	"server": server,
}

// event is the input of the test functions.
type event struct {
	Do string `json:"do"`
}

// testError is an error type with its own name.
type testError struct{}

func (testError) Error() string { return "it went off" }

func lambdaFunction(ctx context.Context, raw json.RawMessage) (any, error) {
	lc, _ := lambdacontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	return perform(raw, map[string]any{
		"api": "lambda", "id": lc.AwsRequestID, "arn": lc.InvokedFunctionArn, "pid": os.Getpid(),
		"left": time.Until(deadline) > 0, "seconds": time.Until(deadline).Seconds(), "event": raw,
	})
}

func fcFunction(ctx context.Context, raw []byte) (json.RawMessage, error) {
	f, _ := fccontext.FromContext(ctx)
	deadline, _ := ctx.Deadline()
	out, err := perform(raw, map[string]any{
		"api": "fc", "id": f.RequestID, "name": f.Function.Name, "region": f.Region,
		"account":   f.AccountId,
		"qualifier": f.Service.Qualifier, "pid": os.Getpid(), "left": time.Until(deadline) > 0,
		"event": json.RawMessage(raw),
	})
	if err != nil {
		return nil, err
	}
	text, _ := json.Marshal(out)
	return text, nil
}

// perform does what the event says and returns echo.
func perform(raw []byte, echo map[string]any) (any, error) {
	var e event
	json.Unmarshal(raw, &e)
	switch e.Do {
	case "fail":
		return nil, testError{}
	case "panic":
		panic("oh")
	case "die":
		os.Exit(7)
	case "sleep":
		fmt.Println("it sleeps")
		time.Sleep(time.Hour)
	case "print":
		fmt.Println("to stdout")
		fmt.Fprintln(os.Stderr, "to stderr")
	case "large":
		return strings.Repeat("x", 2<<20), nil
	case "nothing":
		return nil, nil
	case "address":
		return os.Getenv("AWS_LAMBDA_RUNTIME_API"), nil
	case "environment":
		return os.Environ(), nil
	case "descriptors":
		return descriptors(), nil
	case "identity":
		groups, _ := os.Getgroups()
		return []any{os.Getuid(), os.Getgid(), groups}, nil
	case "pages":
		return pages(), nil
	case "relatives":
		return relatives(), nil
	case "second":
		return second(), nil
	}
	return echo, nil
}

// brokenStream is a result that fails while it is sent.
type brokenStream struct{ sent bool }

func (b *brokenStream) Read(p []byte) (int, error) {
	if b.sent {
		return 0, errors.New("the stream broke")
	}
	b.sent = true
	return copy(p, "half"), nil
}

// family starts a child process, prints its process id, and does not exit.
func family() {
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), "CHILD=hang")
	if err := cmd.Start(); err != nil {
		panic(err)
	}
	fmt.Println("pid", cmd.Process.Pid)
	time.Sleep(time.Hour)
}

// server calls a function, prints the id of the function's process, and does not exit.
func server() {
	r := functiontask.New(functiontask.Options{Functions: []functiontask.Function{child("lambda")}})
	got := r.Run(context.Background(), request(`{}`))
	var e envelope
	json.Unmarshal(got.Output, &e)
	fmt.Println(e.Body["pid"])
	time.Sleep(time.Hour)
}
