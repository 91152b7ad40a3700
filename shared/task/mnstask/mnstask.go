// Package mnstask carries out MNS:SendMessage, to queues and topics, in both dialects. The body is
// sent unchanged: a string as the flow wrote it, any other value as JSON.
//
// The result is {"MessageBodyMD5","MessageId","RequestId"}. If the service rejects the message, the
// error is MNS.{Code}. If a call got no response, the error is MNS.Unknown, and it is unknown
// whether the message was sent.
package mnstask

import (
	"context"
	"errors"
	"net/http"
	"sync"

	"millrace/shared/alibaba"
	"millrace/shared/alibaba/acs"
	"millrace/shared/alibaba/mns"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
	"millrace/shared/value"
)

// Action is the action that the runner carries out.
const Action = "MNS:SendMessage"

// Options configures a runner.
type Options struct {
	Credentials alibaba.Provider
	Endpoints   acs.Endpoints
	HTTP        *http.Client // nil: the client of package mns

	Own *reserved.Resources // no message may be sent to these
}

// Runner carries out Action. It is safe for many goroutines.
type Runner struct {
	o       Options
	mu      sync.Mutex
	clients map[string]*mns.Client // by endpoint
}

// New returns a runner.
func New(o Options) *Runner { return &Runner{o: o, clients: map[string]*mns.Client{}} }

// Run sends the message and returns when the service has accepted it. A call is made once: the flow
// decides whether to send again.
func (t *Runner) Run(ctx context.Context, r task.Request) task.Result {
	m, err := parse(&r)
	var endpoint string
	if err == nil {
		endpoint, err = t.o.Endpoints.Messages(m.region, m.account)
	}
	if err != nil {
		return r.Failf(invalidArgument, "%s", err)
	}
	if err := t.checkTarget(m); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	c := t.client(endpoint)
	var sent mns.SendResult
	if m.topic != "" {
		sent, err = c.PublishWith(ctx, m.topic, mns.Publication{
			Body: m.body, Tag: m.tag, Mail: m.mail, SMS: m.sms,
		})
	} else {
		sent, err = c.SendOne(ctx, m.queue, mns.OutgoingMessage{Body: m.body, Delay: m.delay},
			m.priority)
	}
	if err != nil {
		return task.Failed(failure(ctx, &r, m, err))
	}
	return task.Result{
		Output: value.Encode(map[string]any{
			"MessageId": sent.ID, "RequestId": sent.RequestID, "MessageBodyMD5": sent.Digest,
		}),
	}
}

// checkTarget returns an error if the target is the engine's own.
func (t *Runner) checkTarget(m *message) error {
	if m.topic != "" {
		return t.o.Own.CheckTopic(m.arn, m.topic)
	}
	return t.o.Own.CheckQueue(m.arn, m.queue)
}

// clientsMax is the maximum number of cached clients, because a flow may name any region and
// account.
const clientsMax = 64

func (t *Runner) client(endpoint string) *mns.Client {
	t.mu.Lock()
	defer t.mu.Unlock()
	c := t.clients[endpoint]
	if c == nil {
		c = &mns.Client{Endpoint: endpoint, HTTP: t.o.HTTP, Credentials: t.credentials}
		if len(t.clients) >= clientsMax {
			clear(t.clients)
		}
		t.clients[endpoint] = c
	}
	return c
}

func (t *Runner) credentials(ctx context.Context) (alibaba.Credentials, error) {
	return t.o.Credentials(ctx)
}

// Error codes for errors in which the service names none.
const (
	unknown         = "Unknown"
	invalidArgument = "InvalidArgument"
	accessDenied    = "AccessDenied"
	internalError   = "InternalError"
)

// failure returns the error of a message that was rejected, or of which it is unknown whether it
// was sent.
func failure(ctx context.Context, r *task.Request, m *message, err error) *flow.Error {
	var e *mns.Error
	switch {
	case errors.As(err, &e):
		code, cause := e.Code, e.Message
		switch {
		case code == "" && e.Status >= 500:
			code = internalError
		case code == "":
			code = unknown
		}
		if code == accessDenied {
			cause += " Allow the role of tasks " + m.permission() + " on " + m.arn + "."
		}
		return task.NewError(r.ErrorName(code), cause+" (request "+e.RequestID+")")
	case ctx.Err() != nil:
		return task.NewError(r.ErrorName(unknown), "The call to "+m.arn+" was cut off.")
	case errors.Is(err, mns.ErrCredentials):
		return task.NewError(r.ErrorName(accessDenied),
			"The call to "+m.arn+" could not be signed: "+err.Error())
	}
	return task.NewError(r.ErrorName(unknown), "The call to "+m.arn+" broke: "+err.Error())
}
