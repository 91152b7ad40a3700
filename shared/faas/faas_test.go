package faas_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"

	"millrace/shared/events"
	"millrace/shared/faas"
)

func recorded(t testing.TB, name string) []byte {
	t.Helper()
	text, err := os.ReadFile("../events/testdata/" + name + ".json")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func TestNowhere(t *testing.T) {
	t.Setenv("AWS_LAMBDA_RUNTIME_API", "")
	err := faas.Run(func(context.Context) (faas.Handler, error) {
		t.Fatal("opened")
		return nil, nil
	})
	if !errors.Is(err, faas.ErrNoRuntime) ||
		!strings.Contains(err.Error(), "AWS_LAMBDA_RUNTIME_API") {
		t.Error(err)
	}
}

type reply struct {
	StatusCode int
	Headers    map[string]string
	Body       string
}

func TestServeHTTP(t *testing.T) {
	mux := http.NewServeMux()
	mux.HandleFunc("POST /{$}", func(w http.ResponseWriter, r *http.Request) {
		body, _ := io.ReadAll(r.Body)
		w.Header().Set("X-Host", r.Host)
		w.WriteHeader(201)
		w.Header().Set("X-Late", "1")
		fmt.Fprintf(w, "%s %s %d %.20s", r.URL.RawQuery, strings.Join(r.Header["X-Two"], ","),
			r.ContentLength, body)
	})
	mux.HandleFunc("/panic", func(http.ResponseWriter, *http.Request) { panic("secret") })
	mux.HandleFunc("/large", func(w http.ResponseWriter, r *http.Request) {
		w.Write(make([]byte, 6<<20))
	})
	mux.HandleFunc("/silent", func(w http.ResponseWriter, r *http.Request) {})
	h := faas.ServeHTTP(mux)
	for name, host := range map[string]string{
		"aws-apigw-v1":     "abc123.execute-api.us-east-1.amazonaws.com",
		"aws-apigw-v2":     "abc123.execute-api.us-east-1.amazonaws.com",
		"aws-function-url": "u1.lambda-url.us-east-1.on.aws",
	} {
		text, err := h(context.Background(), recorded(t, name))
		var r reply
		if err != nil || json.Unmarshal(text, &r) != nil {
			t.Fatal(name, err)
		}
		if r.StatusCode != 201 || r.Headers["X-Host"] != host || r.Headers["X-Late"] != "" ||
			!strings.HasPrefix(r.Body, "Tag=1&Tag=2 a,b 13") ||
			!strings.HasSuffix(r.Body, " Action=StartExecutio") {
			t.Errorf("%s: %+v", name, r)
		}
	}
	for path, want := range map[string]string{
		"/panic":  "500 An internal error",
		"/large":  "500 larger",
		"/none":   "404 ",
		"/silent": "200 ",
	} {
		text, err := h(context.Background(), []byte(`{"httpMethod":"GET","path":"`+path+`"}`))
		var r reply
		if err != nil || json.Unmarshal(text, &r) != nil {
			t.Fatal(path, err)
		}
		status, part, _ := strings.Cut(want, " ")
		if fmt.Sprint(r.StatusCode) != status || !strings.Contains(r.Body, part) ||
			strings.Contains(r.Body, "secret") {
			t.Errorf("%s: %+v", path, r)
		}
	}
	if _, err := h(context.Background(), recorded(t, "aws-s3-put")); !errors.Is(err,
		events.ErrKind) {
		t.Error(err)
	}
}

// event returns a batch of messages with these bodies. Their ids are their indexes.
func event(bodies ...string) []byte {
	var records []map[string]any
	for i, b := range bodies {
		records = append(records, map[string]any{
			"eventSource": "aws:sqs",
			"messageId":   fmt.Sprint(i),
			"body":        b,
		})
	}
	text, _ := json.Marshal(map[string]any{"Records": records})
	return text
}

func hint(partition string) string { return "hint " + partition }

func decode(body string) (string, error) {
	partition, ok := strings.CutPrefix(body, "hint ")
	if !ok {
		return "", errors.New("no hint")
	}
	return partition, nil
}

func failures(t *testing.T, text []byte) []string {
	t.Helper()
	var r struct {
		BatchItemFailures []struct{ ItemIdentifier string }
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("%s: %v", text, err)
	}
	var ids []string
	for _, f := range r.BatchItemFailures {
		ids = append(ids, f.ItemIdentifier)
	}
	return ids
}

func TestConsumeQueue(t *testing.T) {
	var mu sync.Mutex
	var worked, asyncResults []string
	// "a" and "b" wait for each other, so the test passes only if they run concurrently.
	var together sync.WaitGroup
	together.Add(2)
	h := faas.ConsumeQueue(faas.QueueHandlers{
		Decode: decode,
		Advance: func(_ context.Context, partition string) error {
			mu.Lock()
			worked = append(worked, partition)
			mu.Unlock()
			switch partition {
			case "a", "b":
				together.Done()
				together.Wait()
			case "bad":
				return errors.New("store unreachable")
			case "panic":
				panic("no")
			}
			return nil
		},
		AsyncResult: func(_ context.Context, o events.AsyncResult) error {
			mu.Lock()
			defer mu.Unlock()
			asyncResults = append(asyncResults, o.RequestID)
			return nil
		},
	})
	text, err := h(context.Background(), event(hint("a"), hint("bad"), hint("a"), hint("b"),
		"not json",
		hint("bad"), string(recorded(t, "aws-lambda-destination")), `{"v":9,"p":"a"}`,
		hint("panic")))
	if err != nil {
		t.Fatal(err)
	}
	if got := failures(t, text); !slices.Equal(got, []string{"1", "4", "5", "7", "8"}) {
		t.Errorf("failed %v", got)
	}
	slices.Sort(worked)
	if !slices.Equal(worked, []string{"a", "b", "bad", "panic"}) || len(asyncResults) != 1 {
		t.Errorf("worked %v, asyncResults %v", worked, asyncResults)
	}
	if _, err := h(context.Background(), recorded(t, "aws-scheduler")); !errors.Is(err,
		events.ErrKind) {
		t.Error(err)
	}
	noOutcomes := faas.ConsumeQueue(faas.QueueHandlers{Decode: decode})
	if text, _ := noOutcomes(context.Background(),
		event(string(recorded(t, "aws-lambda-destination")))); len(failures(t, text)) != 1 {
		t.Error("an outcome that nobody takes was acknowledged")
	}
}

func TestEvents(t *testing.T) {
	var took []string
	h := faas.Events(func(_ context.Context, d events.Delivery) error {
		took = append(took, d.ID)
		switch {
		case strings.Contains(d.Body, "panic"):
			panic("no")
		case strings.Contains(d.Body, "in/big.bin"):
			return errors.New("no")
		case d.Direct && d.ID != "":
			t.Error("a message came straight")
		}
		return nil
	})
	put, bus, test := string(recorded(t, "aws-s3-put")), string(recorded(t, "aws-s3-eventbridge")),
		string(recorded(t, "aws-s3-test-event"))
	for text, fails := range map[string]bool{put: true, bus: false, test: false, `"panic"`: true} {
		if _, err := h(context.Background(), []byte(text)); (err != nil) != fails {
			t.Errorf("%.40s: %v", text, err)
		}
	}
	took = nil
	text, err := h(context.Background(), event(bus, put, test, "panic", "7"))
	if got := failures(t, text); err != nil || !slices.Equal(got, []string{"1", "3"}) ||
		!slices.Equal(took, []string{"0", "1", "2", "3", "4"}) {
		t.Errorf("failed %v, took %v, %v", got, took, err)
	}
	// A message that cannot be read does not prevent the others from starting. Without an id it
	// fails the batch.
	took = nil
	_, err = h(context.Background(), []byte(`{"Records":[7,{"eventSource":"aws:sqs",`+
		`"messageId":"1","body":"a"},{"eventSource":"aws:sqs","body":"b"},`+
		`{"eventSource":"aws:sqs","messageId":"3","body":3},{"eventSource":"aws:sqs",`+
		`"messageId":"4","body":"d"}]}`))
	if !errors.Is(err, events.ErrMalformed) || !slices.Equal(took, []string{"1", "4"}) {
		t.Errorf("took %v, %v", took, err)
	}
}

func TestTick(t *testing.T) {
	var ticks atomic.Int32
	h := faas.Tick(func(context.Context) error { ticks.Add(1); return nil })
	if _, err := h(context.Background(), recorded(t, "aws-scheduler")); err != nil ||
		ticks.Load() != 1 {
		t.Error(err)
	}
	if _, err := h(context.Background(), recorded(t, "aws-apigw-v1")); !errors.Is(err,
		events.ErrKind) || ticks.Load() != 1 {
		t.Error(err)
	}
}

func FuzzHandlers(f *testing.F) {
	files, err := os.ReadDir("../events/testdata")
	if err != nil || len(files) == 0 {
		f.Fatal(files, err)
	}
	for _, file := range files {
		f.Add(recorded(f, strings.TrimSuffix(file.Name(), ".json")))
	}
	handlers := []faas.Handler{
		faas.ServeHTTP(http.NotFoundHandler()),
		faas.ConsumeQueue(faas.QueueHandlers{
			Decode:  decode,
			Advance: func(context.Context, string) error { return nil },
		}),
		faas.Events(func(context.Context, events.Delivery) error { return nil }),
		faas.Tick(func(context.Context) error { return nil }),
	}
	f.Fuzz(func(t *testing.T, event []byte) {
		for _, h := range handlers {
			if text, err := h(context.Background(), event); err == nil && text != nil &&
				!json.Valid(text) {
				t.Fatalf("answer %s", text)
			}
		}
	})
}
