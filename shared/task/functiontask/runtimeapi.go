package functiontask

import (
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"millrace/shared/flow"
	"millrace/shared/task"
)

// dialect is one of the two runtime APIs. They differ in paths, headers and the status that accepts
// a result.
type dialect struct {
	prefix   string
	accepted int
	header   func(*invocation) http.Header
}

var (
	fcDialect     = dialect{"/2020-11-11/runtime", http.StatusOK, (*invocation).header}
	lambdaDialect = dialect{"/2018-06-01/runtime", http.StatusAccepted, lambdaHeader}
)

// lambdaHeader returns the headers of an event in Lambda's runtime API.
func lambdaHeader(in *invocation) http.Header {
	trace := sha256.Sum256([]byte("trace\x00" + in.id))
	h := http.Header{
		"Lambda-Runtime-Aws-Request-Id":       {in.id},
		"Lambda-Runtime-Deadline-Ms":          {strconv.FormatInt(in.deadline.UnixMilli(), 10)},
		"Lambda-Runtime-Invoked-Function-Arn": {in.target.ARN()},
		"Lambda-Runtime-Trace-Id": {fmt.Sprintf("Root=1-%x-%x;Sampled=0", trace[:4],
			trace[4:16])},
	}
	if in.key != "" && isHeaderText(in.key) {
		h.Set(KeyHeader, in.key)
	}
	return h
}

// routes serves both runtime APIs to the worker's process.
func (w *worker) routes() http.Handler {
	mux := http.NewServeMux()
	for _, d := range []dialect{fcDialect, lambdaDialect} {
		mux.HandleFunc("GET "+d.prefix+"/invocation/next", func(rw http.ResponseWriter,
			r *http.Request) {
			w.next(rw, r, d)
		})
		mux.HandleFunc("POST "+d.prefix+"/invocation/{id}/response", func(rw http.ResponseWriter,
			r *http.Request) {
			w.response(rw, r, d)
		})
		mux.HandleFunc("POST "+d.prefix+"/invocation/{id}/error", func(rw http.ResponseWriter,
			r *http.Request) {
			w.failed(rw, r, d)
		})
		mux.HandleFunc("POST "+d.prefix+"/init/error", func(rw http.ResponseWriter,
			r *http.Request) {
			w.initFailed(rw, r, d)
		})
	}
	return mux
}

// next waits for an event and sends it to the process. Only one request at a time may wait, because
// a process handles one event at a time. If the process does not read an event to its end, the next
// request gets it.
func (w *worker) next(rw http.ResponseWriter, r *http.Request, d dialect) {
	if !w.acquirePoll(r) {
		w.log("rejected a second request for the next event: one is waiting already")
		reply(rw, http.StatusForbidden, "InvalidStateTransition")
		return
	}
	defer func() { <-w.polling }()
	select {
	case h := <-w.offer:
		if r.Context().Err() != nil { // both cases were ready; the next request gets the event
			go w.reoffer(h)
			return
		}
		w.setCurrent(h)
		connOf(r.Context()).trackEvent(func() { w.requeue(h) })
		for name, values := range d.header(h.in) {
			rw.Header()[name] = values
		}
		rw.Header().Set("Content-Type", "application/json")
		rw.Header().Set("Content-Length", strconv.Itoa(len(h.in.event)))
		rw.Write(h.in.event) // slotConn detects whether the process reads it
	case <-r.Context().Done():
	case <-w.exited:
	}
}

// acquirePoll makes r the only request that waits for an event. It returns false if another request
// still waits after duplicatePollWait.
func (w *worker) acquirePoll(r *http.Request) bool {
	wait := time.NewTimer(duplicatePollWait)
	defer wait.Stop()
	select {
	case w.polling <- struct{}{}:
		return true
	case <-wait.C:
	case <-r.Context().Done():
	}
	return false
}

// reoffer offers an event to the next request for one.
func (w *worker) reoffer(h *handoff) {
	select {
	case w.offer <- h:
	case <-w.exited:
	}
}

// response accepts the result of the current invocation.
func (w *worker) response(rw http.ResponseWriter, r *http.Request, d dialect) {
	id := r.PathValue("id")
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, w.limit))
	var large *http.MaxBytesError
	switch {
	case errors.As(err, &large):
		if h := w.currentHandoff(id); h != nil {
			w.complete(id, response{}, tooLarge(h.in))
		}
		reply(rw, http.StatusRequestEntityTooLarge, "RequestEntityTooLarge")
		return
	case err != nil:
		return // the connection broke; the exit of the process decides the invocation
	}
	var failure *flow.Error
	if r.Trailer.Get("Lambda-Runtime-Function-Error-Type") != "" {
		failure = streamFailure(r.Trailer)
	}
	header := http.Header{"X-Fc-Request-Id": {id}}
	if kind := r.Header.Get("Content-Type"); kind != "" {
		header.Set("Content-Type", kind)
	}
	w.finish(rw, d, id, response{status: http.StatusOK, header: header, body: body}, failure)
}

// streamFailure returns the error of a function that failed while it sent its result.
func streamFailure(trailer http.Header) *flow.Error {
	body, err := base64.StdEncoding.DecodeString(trailer.Get("Lambda-Runtime-Function-Error-Body"))
	if err != nil || !json.Valid(body) {
		return task.NewError(trailer.Get("Lambda-Runtime-Function-Error-Type"),
			"The function failed while it sent its result.")
	}
	return functionFailure(body)
}

// failed accepts the error of the current invocation.
func (w *worker) failed(rw http.ResponseWriter, r *http.Request, d dialect) {
	body, ok := w.errorBody(rw, r)
	if ok {
		w.finish(rw, d, r.PathValue("id"), response{}, functionFailure(body))
	}
}

// initFailed records the error of a process that cannot start serving. The invocation that waits
// for the process fails with it.
func (w *worker) initFailed(rw http.ResponseWriter, r *http.Request, d dialect) {
	body, ok := w.errorBody(rw, r)
	if !ok {
		return
	}
	w.mu.Lock()
	w.initErr = functionFailure(body)
	w.mu.Unlock()
	reply(rw, d.accepted, "")
}

// errorBody reads the body of an error. It truncates a body above the limit and does not reject it.
func (w *worker) errorBody(rw http.ResponseWriter, r *http.Request) ([]byte, bool) {
	body, err := io.ReadAll(http.MaxBytesReader(rw, r.Body, w.limit))
	var large *http.MaxBytesError
	return body, err == nil || errors.As(err, &large)
}

// currentHandoff returns the current handoff if it has this id, else nil.
func (w *worker) currentHandoff(id string) *handoff {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.current == nil || w.current.in.id != id {
		return nil
	}
	return w.current
}

// finish completes an invocation and reports to the process whether its result was accepted.
func (w *worker) finish(
	rw http.ResponseWriter, d dialect, id string, a response, failure *flow.Error,
) {
	if !w.complete(id, a, failure) {
		reply(rw, http.StatusBadRequest, "InvalidRequestID")
		return
	}
	reply(rw, d.accepted, "")
}

// reply writes a status and the body that both runtime APIs use.
func reply(rw http.ResponseWriter, status int, errorType string) {
	body := `{"status":"OK"}`
	if errorType != "" {
		body = `{"errorType":"` + errorType + `","errorMessage":"` + http.StatusText(status) + `"}`
	}
	rw.Header().Set("Content-Type", "application/json")
	rw.WriteHeader(status)
	io.WriteString(rw, body)
}
