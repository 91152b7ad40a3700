package faas

import (
	"encoding/base64"
	"log/slog"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"millrace/shared/backoff"
	"millrace/shared/value"
)

// runtimeTransport is between the SDK and the runtime API, because of two defects of the SDK. If a
// request for the next event fails, the SDK repeats it at once and without end. If it cannot read
// the headers of an event, it never responds to the event. runtimeTransport does not use proxies.
type runtimeTransport struct {
	api  string // host:port
	next http.RoundTripper

	mu       sync.Mutex
	failures int // consecutive failures of requests for the next event
}

// useRuntimeTransport registers a runtimeTransport in http.DefaultTransport, which the SDK uses.
// Other requests are not affected.
func useRuntimeTransport(api string) {
	t, ok := http.DefaultTransport.(*http.Transport)
	if !ok {
		return
	}
	t.RegisterProtocol("http", &runtimeTransport{
		api:  api,
		next: &http.Transport{MaxIdleConnsPerHost: 256},
	})
}

// RoundTrip implements http.RoundTripper.
func (t *runtimeTransport) RoundTrip(r *http.Request) (*http.Response, error) {
	if r.URL.Host != t.api {
		return nil, http.ErrSkipAltProtocol
	}
	response, err := t.next.RoundTrip(r)
	if !strings.HasSuffix(r.URL.Path, "/invocation/next") {
		return response, err
	}
	if err != nil || response.StatusCode != http.StatusOK {
		time.Sleep(t.nextBackoff())
		return response, err
	}
	t.mu.Lock()
	t.failures = 0
	t.mu.Unlock()
	repairHeaders(response.Header, time.Now())
	return response, nil
}

var runtimeBackoff = backoff.Policy{Min: 10 * time.Millisecond, Max: 5 * time.Second}

// nextBackoff counts a failure and returns the pause after it.
func (t *runtimeTransport) nextBackoff() time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	pause := runtimeBackoff.After(t.failures)
	t.failures++
	return pause
}

// timeoutUnknown is the time limit of an event whose headers do not have one.
const timeoutUnknown = time.Minute

// repairHeaders makes the headers of an event readable for the SDK.
func repairHeaders(h http.Header, now time.Time) {
	const deadline, timeout, retries, baggages = "X-Fc-Function-Deadline", "X-Fc-Function-Timeout",
		"X-Fc-Retry-Count", "X-Fc-Tracing-Opentracing-Span-Baggages"
	seconds, err := strconv.Atoi(h.Get(timeout))
	if err != nil {
		seconds = int(timeoutUnknown / time.Second)
		warnHeader(timeout, h)
		h.Set(timeout, strconv.Itoa(seconds))
	}
	if _, err := strconv.ParseInt(h.Get(deadline), 10, 64); err != nil {
		warnHeader(deadline, h)
		end := now.Add(time.Duration(seconds) * time.Second)
		h.Set(deadline, strconv.FormatInt(end.UnixMilli(), 10))
	}
	if _, err := strconv.Atoi(h.Get(retries)); err != nil {
		h.Del(retries)
	}
	var carried map[string]string
	if text, err := base64.StdEncoding.DecodeString(h.Get(baggages)); err != nil ||
		value.Unmarshal(text, &carried) != nil {
		h.Del(baggages)
	}
}

func warnHeader(name string, h http.Header) {
	slog.Warn("the runtime API sent no readable header; a value is assumed", "header", name,
		"value", h.Get(name), "request", h.Get("X-Fc-Request-Id"))
}
