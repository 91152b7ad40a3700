package openapitask

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"millrace/shared/alibaba/acs"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/task/reserved"
	"millrace/shared/value"
)

// ActionPutEvents is the action that Events carries out.
const ActionPutEvents = "EventBridge:PutEvents"

// Events puts events on EventBridge, on a bus of the engine's own account and region. The result is
// the service's response.
type Events struct {
	Service
	Now func() time.Time // nil: the machine's clock

	Own *reserved.Resources // no event may be put on these
}

// Run puts the event and returns when the service has accepted it.
func (t *Events) Run(ctx context.Context, r task.Request) task.Result {
	event, err := t.event(&r)
	var endpoint string
	if err == nil {
		endpoint, err = t.Endpoints.Events()
	}
	if err != nil {
		return r.Failf(invalidArgument, "%s", err)
	}
	if err := t.Own.CheckBus(event["aliyuneventbusname"].(string)); err != nil {
		return r.Failf(accessDenied, "%s", err)
	}
	a, err := t.Client.Do(ctx, &acs.Request{Endpoint: endpoint, Method: http.MethodPost,
		Path: "/openapi/putEvents", SHA1: true,
		Header: http.Header{
			"Accept": {"application/json"}, "X-Eventbridge-Version": {"2015-06-06"},
		},
		ContentType: "application/cloudevents-batch+json; charset=utf-8",
		Body:        value.Encode([]any{event})})
	if err != nil {
		return task.Failed(failure(ctx, &r, err))
	}
	if e := eventFailure(&r, a.Body); e != nil {
		return task.Failed(e)
	}
	return responseResult(&r, a)
}

// event returns the task's event in the form of CloudEvents.
func (t *Events) event(r *task.Request) (map[string]any, error) {
	p, err := object(r.Parameters)
	if err != nil {
		return nil, err
	}
	now := time.Now
	if t.Now != nil {
		now = t.Now
	}
	e := map[string]any{"specversion": "1.0", "datacontenttype": "application/json; charset=utf-8",
		"time":    now().UTC().Format(time.RFC3339Nano),
		"subject": "acs:fnf:" + r.Region + ":" + r.Account + ":flow/" + r.Flow}
	for name, key := range map[string]string{
		"id": "id", "source": "source", "type": "type", "eventBusName": "aliyuneventbusname",
	} {
		text, ok := p[name].(string)
		if !ok || text == "" {
			return nil, fmt.Errorf("%s is required, a text", name)
		}
		e[key] = text
	}
	switch subject := p["subject"].(type) {
	case nil:
	case string:
		e["subject"] = subject
	default:
		return nil, fmt.Errorf("subject must be a text")
	}
	if data, ok := p["data"]; ok && data != nil {
		e["data"] = data
	}
	return e, nil
}

// eventFailure returns the error of a rejected event in a response whose status is a success, nil
// if none was rejected.
func eventFailure(r *task.Request, body []byte) *flow.Error {
	var a struct {
		Failed  int `json:"failedEntryCount"`
		Entries []struct {
			Code    string `json:"errorCode"`
			Message string `json:"errorMessage"`
		} `json:"entryList"`
	}
	if value.Unmarshal(body, &a) != nil || a.Failed == 0 {
		return nil
	}
	code, message := unknown, "The event was rejected."
	for _, e := range a.Entries {
		if e.Code != "" {
			code, message = e.Code, e.Message
		}
	}
	return task.NewError(r.ErrorName(code), message)
}
