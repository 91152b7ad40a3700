package client_test

import (
	"context"
	"errors"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/rpc/client"
	"millrace/tests/support/port"
)

// clientOf returns a client of a server with this handler.
func clientOf(t *testing.T, h http.HandlerFunc, o client.Options) *client.Client {
	t.Helper()
	s := httptest.NewServer(h)
	t.Cleanup(s.Close)
	o.Endpoint = s.URL
	c, err := client.New(o)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func TestMeetsOtherServers(t *testing.T) {
	for _, c := range []struct {
		status int
		body   string
		code   fault.Code // "" for an error that is not a fault
		want   string
	}{
		{502, "<html>Bad gateway</html>", fault.InternalServerError, "HTTP 502"},
		{503, "", fault.InternalServerError, "HTTP 503"},
		{302, "", fault.InternalServerError, "HTTP 302"},
		{400, `{"Code":"Throttling.User","Message":"Slow down.","RequestId":"r"}`,
			"Throttling.User", "Slow down."},
		{200, "<html>hello</html>", "", "is it the right endpoint?"},
		{200, "", "", "is it the right endpoint?"},
		{200, "{", "", "is it the right endpoint?"},
		{200, `{"status":"ok"}`, "", "is it the right endpoint?"},
		{200, `{"RequestId":""}`, "", "is it the right endpoint?"},
		{200, `{"RequestId":1,"EventId":2}`, "", "is it the right endpoint?"},
		{200, `{"RequestId":"r`, "", "cannot be read"},
		{200, `[{"RequestId":"r"}]`, "", "is it the right endpoint?"},
	} {
		server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Location", "/elsewhere")
			w.WriteHeader(c.status)
			w.Write([]byte(c.body))
		}))
		cl, err := client.New(client.Options{Endpoint: server.URL})
		if err != nil {
			t.Fatal(err)
		}
		_, err = cl.ReportTaskSucceeded(context.Background(),
			cloudflow.ReportTaskSucceededRequest{TaskToken: "secret", Output: "{}"})
		var f *fault.Error
		isFault := errors.As(err, &f)
		if err == nil || isFault != (c.code != "") || isFault && f.Code != c.code ||
			!strings.Contains(err.Error(), c.want) {
			t.Errorf("%d %q gives %v", c.status, c.body, err)
		}
		server.Close()
	}
}

// TestWantsARequestID checks that no call succeeds without a request id in the response, and
// that the position of the id does not matter.
func TestWantsARequestID(t *testing.T) {
	response := `{"Name":"f"}`
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Write([]byte(response))
	}))
	defer server.Close()
	c, err := client.New(client.Options{Endpoint: server.URL})
	if err != nil {
		t.Fatal(err)
	}
	ctx := context.Background()
	calls := map[string]func() error{
		"DeleteFlow": func() error { return c.DeleteFlow(ctx, "f") },
		"UpdateFlow": func() error {
			_, err := c.UpdateFlow(ctx, cloudflow.UpdateFlowRequest{Name: "f"})
			return err
		},
		"ListFlows": func() error {
			_, err := c.ListFlows(ctx, cloudflow.ListFlowsRequest{})
			return err
		},
		"DescribeRegions": func() error { _, err := c.DescribeRegions(ctx); return err },
		"Call":            func() error { _, err := c.Call(ctx, "DescribeFlow", nil); return err },
		"StartExecution": func() error {
			_, err := c.StartExecution(ctx, cloudflow.StartExecutionRequest{FlowName: "f"})
			return err
		},
	}
	for name, call := range calls {
		if err := call(); err == nil ||
			!strings.Contains(err.Error(), "is it the right endpoint?") {
			t.Errorf("%s: %v", name, err)
		}
	}
	for _, response = range []string{`{"RequestId":"r"}`, `{ "Name": "f", "RequestId": "r" }`} {
		for name, call := range calls {
			if err := call(); err != nil {
				t.Errorf("%s, %s: %v", name, response, err)
			}
		}
	}
}

func TestSaysWhatToDo(t *testing.T) {
	nobody, err := port.Loopback()
	if err != nil {
		t.Fatal(err)
	}
	address := "http://" + nobody
	for _, signature := range []string{"v1", "v3"} {
		c, err := client.New(client.Options{Endpoint: address, AccessKeyID: "i", Secret: "s",
			Signature: signature})
		if err != nil {
			t.Fatal(err)
		}
		_, err = c.ReportTaskFailed(context.Background(),
			cloudflow.ReportTaskFailedRequest{TaskToken: "topsecret", Error: "E"})
		if err == nil || strings.Contains(err.Error(), "topsecret") ||
			!strings.Contains(err.Error(), "is `millrace serve` running at "+address+"?") {
			t.Errorf("error is %v", err)
		}
	}
}

func TestOptionsAreChecked(t *testing.T) {
	for _, o := range []client.Options{
		{},
		{Endpoint: "127.0.0.1:8080"},
		{Endpoint: "ftp://h"},
		{Endpoint: "http://"},
		{Endpoint: "http://h/path"},
		{Endpoint: "http://h?x=1"},
		{Endpoint: "http://u:p@h"},
		{Endpoint: "http://h", Signature: "v2"},
		{Endpoint: "http://h", Signature: "v3"},
		{Endpoint: "http://h", AccessKeyID: "i"},
		{Endpoint: "http://h", Secret: "s"},
		{Endpoint: "http://h", AccessKeyID: "i", Secret: "s", Bearer: "b"},
	} {
		if _, err := client.New(o); err == nil {
			t.Errorf("%+v is accepted", o)
		}
	}
	for _, endpoint := range []string{"http://h", "http://h/",
		"https://1.cn-hangzhou.fnf.aliyuncs.com", "http://[::1]:8080"} {
		if _, err := client.New(client.Options{Endpoint: endpoint}); err != nil {
			t.Error(err)
		}
	}
}

// TestNamesAreExact checks that the client does not ignore the case of names: a response with
// other names does not come from CloudFlow.
func TestNamesAreExact(t *testing.T) {
	for _, test := range []struct {
		status         int
		response, want string
	}{
		{200, `{"requestid":"r","name":"f"}`, "is no response of CloudFlow"},
		{400, `{"code":"FlowNotExists","message":"m","requestId":"r"}`,
			"is no response of CloudFlow: HTTP 400"},
		{200, `{"RequestId":"r","EventId":7,"eventid":8,"EVENTID":9}`, ""},
	} {
		s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.WriteHeader(test.status)
			w.Write([]byte(test.response))
		}))
		defer s.Close()
		c, err := client.New(client.Options{Endpoint: s.URL})
		if err != nil {
			t.Fatal(err)
		}
		id, err := c.ReportTaskSucceeded(t.Context(),
			cloudflow.ReportTaskSucceededRequest{TaskToken: "t", Output: "{}"})
		if test.want == "" && (err != nil || id != 7) ||
			test.want != "" && (err == nil || !strings.Contains(err.Error(), test.want)) {
			t.Errorf("%s: %d %v", test.response, id, err)
		}
	}
}

func TestTimesOut(t *testing.T) {
	c := clientOf(t, func(_ http.ResponseWriter, r *http.Request) { <-r.Context().Done() },
		client.Options{Timeout: 30 * time.Millisecond})
	_, err := c.DescribeFlow(context.Background(), "f")
	if !errors.Is(err, context.DeadlineExceeded) ||
		!strings.Contains(err.Error(), "no response from") {
		t.Errorf("error is %v", err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	if _, err := c.DescribeFlow(ctx, "f"); !errors.Is(err, context.Canceled) {
		t.Errorf("error is %v", err)
	}
}

func TestWaitsForALongPoll(t *testing.T) {
	c := clientOf(t, func(w http.ResponseWriter, _ *http.Request) {
		time.Sleep(100 * time.Millisecond)
		w.Write([]byte(`{"RequestId":"r"}`))
	}, client.Options{Timeout: 50 * time.Millisecond})
	seconds := int64(20)
	if _, err := c.DescribeExecution(context.Background(),
		cloudflow.DescribeExecutionRequest{FlowName: "f", ExecutionName: "e",
			WaitTimeSeconds: &seconds}); err != nil {
		t.Error(err)
	}
}
