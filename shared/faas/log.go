package faas

import (
	"context"
	"io"
	"log/slog"
	"strings"
	"sync"
)

// NewLog returns the log of a function. It writes a line of JSON per record, with the names that
// searches in the logs of both clouds use. In addition to its own members a line has
//
//   - requestId, of the invocation that it was written in;
//   - execution and flowId, if the record names the partition of an execution.
//
// A record without a context, or of work that outlives its invocation, gets the request id if
// exactly one invocation is active. With several invocations the id would be a guess, so the record
// gets none.
func NewLog(out io.Writer) *slog.Logger {
	return slog.New(&logHandler{slog.NewJSONHandler(out,
		&slog.HandlerOptions{ReplaceAttr: rename})})
}

// rename names the members of every line as Lambda's JSON format does, because Lambda filters by
// timestamp and level.
func rename(groups []string, a slog.Attr) slog.Attr {
	if len(groups) > 0 {
		return a
	}
	switch a.Key {
	case slog.TimeKey:
		a.Key = "timestamp"
	case slog.MessageKey:
		a.Key = "message"
	}
	return a
}

// logHandler adds the request id and the execution to records.
type logHandler struct{ slog.Handler }

// Handle implements slog.Handler.
func (h *logHandler) Handle(ctx context.Context, r slog.Record) error {
	name, added := "requestId", []slog.Attr(nil)
	r.Attrs(func(a slog.Attr) bool {
		switch a.Key {
		case "requestId": // of an API request, which has its own id
			name = "invocationId"
		case "partition", "work":
			if flow, execution, ok := executionOf(a.Value.String()); ok {
				added = append(added, slog.String("flowId", flow),
					slog.String("execution", execution))
			}
		}
		return true
	})
	if id := requestIDOf(ctx); id != "" {
		added = append(added, slog.String(name, id))
	}
	if len(added) > 0 {
		r = r.Clone()
		r.AddAttrs(added...)
	}
	return h.Handler.Handle(ctx, r)
}

// WithAttrs implements slog.Handler.
func (h *logHandler) WithAttrs(attrs []slog.Attr) slog.Handler {
	return &logHandler{h.Handler.WithAttrs(attrs)}
}

// WithGroup implements slog.Handler.
func (h *logHandler) WithGroup(name string) slog.Handler {
	return &logHandler{h.Handler.WithGroup(name)}
}

// executionOf splits the partition of an execution: x#<flow id>#<execution>.
func executionOf(partition string) (flow, execution string, ok bool) {
	rest, ok := strings.CutPrefix(partition, "x#")
	if !ok {
		return "", "", false
	}
	return strings.Cut(rest, "#")
}

// activeInvocations are the invocations without a response yet.
var activeInvocations = invocations{open: map[string]int{}}

type invocations struct {
	mu   sync.Mutex
	open map[string]int // count by request id
}

type requestKey struct{}

// begin counts an invocation. It returns the context of the invocation and the function that ends
// it.
func (i *invocations) begin(ctx context.Context, id string) (context.Context, func()) {
	if id == "" {
		return ctx, func() {}
	}
	i.mu.Lock()
	i.open[id]++
	i.mu.Unlock()
	return context.WithValue(ctx, requestKey{}, id), func() {
		i.mu.Lock()
		defer i.mu.Unlock()
		if i.open[id]--; i.open[id] == 0 {
			delete(i.open, id)
		}
	}
}

// single returns the request id if exactly one invocation is active, else "".
func (i *invocations) single() string {
	i.mu.Lock()
	defer i.mu.Unlock()
	if len(i.open) != 1 {
		return ""
	}
	for id := range i.open {
		return id
	}
	return ""
}

func requestIDOf(ctx context.Context) string {
	if id, ok := ctx.Value(requestKey{}).(string); ok {
		return id
	}
	return activeInvocations.single()
}
