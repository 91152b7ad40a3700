package faas

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"runtime/debug"

	"millrace/shared/events"
	"millrace/shared/headers"
)

// responseMax bounds the body of a response, in bytes: the limit of a function's response, less the
// envelope and the escapes of JSON.
const responseMax = 5 << 20

// ServeHTTP serves the requests of a gateway, a function URL or an HTTP trigger with h. The
// response is sent when h returns; nothing is streamed.
func ServeHTTP(h http.Handler) Handler {
	return func(ctx context.Context, event []byte) ([]byte, error) {
		if d := directOf(ctx); d != nil {
			d.serve(h)
			return nil, nil
		}
		q, err := events.DecodeHTTP(event)
		if err != nil {
			return nil, err
		}
		w := &responseWriter{header: http.Header{}}
		w.serve(h, request(ctx, q))
		if w.status == 0 {
			w.status = http.StatusOK
		}
		return q.Reply(w.status, w.sentHeader, w.body.Bytes()), nil
	}
}

// request returns the request as an HTTP server would have received it.
func request(ctx context.Context, q *events.HTTP) *http.Request {
	u := &url.URL{Path: q.Path, RawQuery: q.RawQuery}
	if path, err := url.PathUnescape(q.Path); err == nil && q.Form != events.FormV1 {
		u.Path, u.RawPath = path, q.Path
	}
	r := &http.Request{
		Method:        q.Method,
		URL:           u,
		Proto:         "HTTP/1.1",
		ProtoMajor:    1,
		ProtoMinor:    1,
		Header:        q.Header,
		Host:          q.Host,
		Body:          io.NopCloser(bytes.NewReader(q.Body)),
		ContentLength: int64(len(q.Body)),
		RequestURI:    u.RequestURI(),
		RemoteAddr:    q.SourceIP,
	}
	return r.WithContext(ctx)
}

// responseWriter is an http.ResponseWriter that buffers the response.
type responseWriter struct {
	header     http.Header
	sentHeader http.Header // a copy from when the status was written
	status     int
	body       bytes.Buffer
	tooLarge   bool
}

func (w *responseWriter) Header() http.Header { return w.header }

func (w *responseWriter) WriteHeader(status int) {
	if w.status == 0 && status >= 200 {
		w.status, w.sentHeader = status, w.header.Clone()
	}
}

func (w *responseWriter) Write(p []byte) (int, error) {
	w.WriteHeader(http.StatusOK)
	if w.tooLarge = w.tooLarge || w.body.Len()+len(p) > responseMax; w.tooLarge {
		return len(p), nil
	}
	return w.body.Write(p)
}

// serve calls the handler. A panic, or a response that is too large for a gateway, becomes an
// internal error.
func (w *responseWriter) serve(h http.Handler, r *http.Request) {
	defer func() {
		v := recover()
		switch {
		case v != nil:
			slog.Error("panic while serving", "panic", v, "stack", string(debug.Stack()))
			w.fail(http.StatusInternalServerError,
				`{"Code":"InternalServerError","Message":"An internal error occurred. Please `+
					`try again later."}`)
		case w.tooLarge:
			w.fail(http.StatusInternalServerError,
				`{"Code":"InternalServerError","Message":"The answer is larger than a function `+
					`may answer; ask for smaller pages."}`)
		}
	}()
	h.ServeHTTP(w, r)
}

func (w *responseWriter) fail(status int, body string) {
	w.status, w.sentHeader = status, http.Header{"Content-Type": {"application/json;charset=utf-8"}}
	headers.Private(w.sentHeader)
	w.body.Reset()
	w.body.WriteString(body)
}
