package console

import (
	"bytes"
	"fmt"
	"io"
	"net/http"
	"strings"

	"millrace/shared/rpc/client"
	"millrace/shared/rpc/sign"
)

// Prefix is where Mount serves the console.
const Prefix = "/console"

// Mount returns a handler that serves the console below Prefix, leads a browser that asks for
// nothing from / there, and leaves everything else to the API.
func Mount(api http.Handler, c *Console) http.Handler {
	pages := http.StripPrefix(Prefix, c)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		switch {
		case strings.HasPrefix(r.URL.Path, Prefix+"/"):
			pages.ServeHTTP(w, r)
		case r.URL.Path == Prefix, r.URL.Path == "/" && asksForPage(r):
			w.Header().Set("Location", "."+Prefix+"/") // relative: a proxy may add a prefix
			w.WriteHeader(http.StatusSeeOther)
		default:
			api.ServeHTTP(w, r)
		}
	})
}

// asksForPage reports whether a request is that of a browser without anything for the API.
func asksForPage(r *http.Request) bool {
	return r.Method == http.MethodGet && r.URL.RawQuery == "" &&
		strings.Contains(r.Header.Get("Accept"), "text/html")
}

// InProcess returns a function for Options.Connect whose clients call an API of this process, with
// all of its checks and limits, but without a connection.
func InProcess(api http.Handler) func(id string, key *sign.Key) (*client.Client, error) {
	calls := &http.Client{Transport: inProcess{api}}
	return func(id string, key *sign.Key) (*client.Client, error) {
		return client.New(client.Options{Endpoint: "http://127.0.0.1", AccessKeyID: id, Key: key,
			HTTPClient: calls})
	}
}

// inProcess calls a handler instead of a server.
type inProcess struct{ handler http.Handler }

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (got *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil { // the API has logged what it was
			got, err = nil, fmt.Errorf("console: the API broke off: %v", p)
		}
	}()
	r = r.WithContext(withoutValues{r.Context()})
	w := &response{header: http.Header{}, status: http.StatusOK}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, r)
	return &http.Response{StatusCode: w.status, Header: w.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(w.body.Len()),
		Body: io.NopCloser(&w.body)}, nil
}

// response keeps what a handler writes.
type response struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if !w.wrote {
		w.wrote, w.status = true, status
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.wrote = true
	return w.body.Write(b)
}
