package console

import (
	"bytes"
	"errors"
	"fmt"
	"net/http"
	"strings"

	"millrace/shared/inflight"
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
// all of its checks and limits, but without a connection. Responses are charged to bytes until they
// have been read; nil has no bound.
func InProcess(
	api http.Handler, bytes *inflight.Budget,
) func(id string, key *sign.Key) (*client.Client, error) {
	calls := &http.Client{Transport: inProcess{api, bytes}}
	return func(id string, key *sign.Key) (*client.Client, error) {
		return client.New(client.Options{Endpoint: "http://127.0.0.1", AccessKeyID: id, Key: key,
			HTTPClient: calls})
	}
}

// inProcess calls a handler instead of a server.
type inProcess struct {
	handler http.Handler
	bytes   *inflight.Budget
}

// RoundTrip implements http.RoundTripper.
func (t inProcess) RoundTrip(r *http.Request) (got *http.Response, err error) {
	defer func() {
		if p := recover(); p != nil { // the API has logged what it was
			got, err = nil, fmt.Errorf("console: the API broke off: %v", p)
		}
	}()
	r = r.WithContext(withoutValues{r.Context()})
	w := &response{header: http.Header{}, status: http.StatusOK,
		hold: inflight.Hold{Budget: t.bytes}}
	if r.Body == nil {
		r.Body = http.NoBody
	}
	t.handler.ServeHTTP(w, r)
	if w.refused {
		w.status = http.StatusServiceUnavailable
		w.body.Reset()
		w.body.WriteString(busyBody)
	}
	return &http.Response{StatusCode: w.status, Header: w.header, Request: r,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: int64(w.body.Len()),
		Body: w}, nil
}

// busyBody is the response if there is no memory for that of the API.
const busyBody = `{"RequestId":"console","Code":"ServiceUnavailable","Message":"The server holds ` +
	`as many bytes of responses as its memory allows. Please try again later."}`

// response keeps what a handler writes.
type response struct {
	header http.Header
	status int
	wrote  bool
	body   bytes.Buffer

	hold    inflight.Hold // for body, until Close
	refused bool          // there was no memory for it
}

func (w *response) Header() http.Header { return w.header }

func (w *response) WriteHeader(status int) {
	if !w.wrote {
		w.wrote, w.status = true, status
	}
}

func (w *response) Write(b []byte) (int, error) {
	w.wrote = true
	if size := w.body.Len() + len(b); size > uncharged && !w.hold.TryGrow(int64(size)) {
		w.refused = true
	}
	if w.refused {
		return 0, errors.New("console: no memory for the response")
	}
	return w.body.Write(b)
}

// uncharged is the longest response and page that is not charged to the budget, in bytes.
const uncharged = 16 << 10

// Read implements io.Reader.
func (w *response) Read(b []byte) (int, error) { return w.body.Read(b) }

// Close implements io.Closer.
func (w *response) Close() error {
	w.hold.Release()
	return nil
}
