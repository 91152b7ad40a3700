package server_test

import (
	"context"
	"io"
	"net/http"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
	"millrace/shared/rpc/server"
)

// discard is a response writer that does nothing.
type discard struct{ header http.Header }

func (d *discard) Header() http.Header         { return d.header }
func (d *discard) Write(b []byte) (int, error) { return len(b), nil }
func (d *discard) WriteHeader(int)             {}

// BenchmarkHandler measures verifying, routing and rendering, without net/http.
func BenchmarkHandler(b *testing.B) {
	start := []string{"FlowName", "flow1", "ExecutionName", "exec1", "Input", `{"key":"` +
		strings.Repeat("v", 200) + `"}`}
	describe := []string{"FlowName", "flow1", "ExecutionName", "exec1"}
	for _, c := range []struct {
		name    string
		request func() *http.Request
	}{
		{"V1/StartExecution", func() *http.Request {
			return post(signV1("POST", common("StartExecution", start...)))
		}},
		{"V1/DescribeExecution", func() *http.Request {
			return get(signV1("GET", common("DescribeExecution", describe...)))
		}},
		{"V3/DescribeExecution", func() *http.Request {
			return v3("DescribeExecution", "FlowName=flow1&ExecutionName=exec1", "", "")
		}},
	} {
		b.Run(c.name, func(b *testing.B) {
			h := server.NewHandler(server.Options{API: &fakeAPI{},
				Credentials: credentials(b, "testsecret", ""), Now: fixed(noon)})
			r := c.request()
			body, _ := io.ReadAll(r.Body)
			text := strings.NewReader(string(body))
			r.Body = io.NopCloser(text)
			w := &discard{http.Header{}}
			b.ReportAllocs()
			for b.Loop() {
				text.Seek(0, io.SeekStart)
				h.ServeHTTP(w, r)
			}
		})
	}
}

// BenchmarkRoundTrip measures client and server over loopback.
func BenchmarkRoundTrip(b *testing.B) {
	for name, mode := range signingModes(b) {
		b.Run(strings.ReplaceAll(name, " ", ""), func(b *testing.B) {
			o := mode.client
			o.Endpoint = "http://" +
				listen(b, server.NewHandler(server.Options{API: &fakeAPI{}, Credentials: mode.server}))
			c, err := client.New(o)
			if err != nil {
				b.Fatal(err)
			}
			b.ReportAllocs()
			b.SetParallelism(16)
			b.RunParallel(func(pb *testing.PB) {
				for pb.Next() {
					if _, err := c.StartExecution(context.Background(),
						cloudflow.StartExecutionRequest{FlowName: "f",
							Input: `{"key":"value"}`}); err != nil {
						b.Error(err)
						return
					}
				}
			})
		})
	}
}
