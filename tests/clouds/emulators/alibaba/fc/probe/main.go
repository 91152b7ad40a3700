// Command probe is a function for the tests of the harness: with the official SDK in the built-in
// runtime, as an HTTP server in a custom one. It does what its input asks for, and prints what it
// gets, so that tests see it in the function's output.
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log"
	"net/http"
	"os"
	"strings"
	"sync/atomic"
	"time"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

func main() {
	if port := os.Getenv("FC_SERVER_PORT"); port != "" {
		log.Fatal(http.ListenAndServe("127.0.0.1:"+port, http.HandlerFunc(serve)))
	}
	fc.RegisterInitializerFunction(func(context.Context) { say("initialize") })
	fc.RegisterPreStopFunction(func(context.Context) { say("pre-stop") })
	fc.Start(invoke)
}

// say reports to the test what happens, in the function's log.
func say(format string, args ...any) { fmt.Printf("PROBE "+format+"\n", args...) }

// invoke is the function in the built-in runtime: an event, or the event of an HTTP request.
func invoke(ctx context.Context, event json.RawMessage) (any, error) {
	var request struct {
		Path  string `json:"rawPath"`
		Body  string
		Query map[string]string `json:"queryParameters"`
	}
	if json.Unmarshal(event, &request) != nil || request.Path == "" {
		return nil, do(string(event))
	}
	serveFor(request.Query["for"])
	key := ""
	if c, ok := fccontext.FromContext(ctx); ok {
		key = c.Credentials.AccessKeyId
	}
	text, err := json.Marshal(seen{request.Path, request.Body, key, os.Getpid()})
	return map[string]any{"statusCode": http.StatusAccepted, "body": string(text)}, err
}

// seen is the response to an HTTP request.
type seen struct {
	Path, Body, Key string
	Pid             int
}

// serve is the function in a custom runtime. The platform marks its own requests.
func serve(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	switch path := r.Header.Get("X-Fc-Control-Path"); path {
	case "/initialize", "/pre-stop":
		say(strings.TrimPrefix(path, "/"))
	case "/invoke":
		if err := do(string(body)); err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
		}
	default:
		serveFor(r.URL.Query().Get("for"))
		w.WriteHeader(http.StatusAccepted)
		json.NewEncoder(w).Encode(seen{r.URL.Path, string(body),
			r.Header.Get("X-Fc-Access-Key-Id"), os.Getpid()})
	}
}

// serveFor takes as long as a request asks for.
func serveFor(text string) {
	d, _ := time.ParseDuration(text)
	time.Sleep(d)
}

// failures counts the events that have failed because they ask for it twice.
var failures atomic.Int64

// do does what an event asks for.
func do(event string) error {
	say("%s", event)
	switch {
	case strings.Contains(event, "always"):
		return errors.New("the event asks for it")
	case strings.Contains(event, "twice") && failures.Add(1) <= 2:
		return errors.New("not now")
	case strings.Contains(event, "exit"):
		os.Exit(3)
	}
	return nil
}
