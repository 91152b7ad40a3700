package server_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"testing"

	"millrace/shared/rpc/server"
)

// FuzzRequest checks that the response to any bytes is JSON with a request id, that a fault has a
// code, and that a server with credentials runs nothing unsigned.
func FuzzRequest(f *testing.F) {
	for _, rec := range recordings(f) {
		f.Add(rec.raw)
	}
	f.Add([]byte("POST / HTTP/1.1\r\nHost: h\r\n" +
		"Content-Type: application/json\r\n" +
		"Content-Length: 26\r\n\r\n{\"Action\":\"ListFlows\",\"a\":1}"))
	f.Add([]byte("GET /?Action=ListFlows&Version=2019-03-15&a=%zz HTTP/1.1\r\nHost: h\r\n\r\n"))
	f.Add([]byte("GET /?%41ction=ListFlows&Version=2019-03-15 HTTP/1.0\r\n" +
		"Authorization: ACS3-\r\n\r\n"))
	quiet := slog.New(slog.NewTextHandler(io.Discard, nil))
	open := server.NewHandler(server.Options{API: &fakeAPI{}, Now: fixed(noon), Logger: quiet})
	api := &fakeAPI{}
	closed := server.NewHandler(server.Options{API: api, Now: fixed(noon), Logger: quiet,
		Credentials: credentials(f, "a secret of this run", "")})
	f.Fuzz(func(t *testing.T, text []byte) {
		for _, h := range []http.Handler{open, closed} {
			r, err := http.ReadRequest(bufio.NewReader(bytes.NewReader(text)))
			if err != nil {
				return
			}
			r.Header.Del("x-acs-bearer-token")
			w := httptest.NewRecorder()
			h.ServeHTTP(w, r)
			if r.URL.Path == "/healthz" {
				continue
			}
			var response map[string]any
			if err := json.Unmarshal(w.Body.Bytes(), &response); err != nil ||
				response["RequestId"] == "" {
				t.Fatalf("%d %q: %v", w.Code, w.Body, err)
			}
			if _, ok := response["Code"].(string); ok != (w.Code != 200) {
				t.Fatalf("%d %s", w.Code, w.Body)
			}
		}
		if api.calls > 0 && api.caller.AccessKey != "" {
			t.Fatal("an unknown secret has signed")
		}
	})
}
