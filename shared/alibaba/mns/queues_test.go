package mns_test

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba/mns"
)

func TestQueues(t *testing.T) {
	var got []string
	respond := func(status int, body string) *mns.Client {
		return client(func(r *http.Request) (int, string) {
			text := make([]byte, r.ContentLength)
			if r.ContentLength > 0 {
				r.Body.Read(text)
			}
			got = append(got, r.Method+" "+r.URL.RequestURI()+" "+string(text))
			return status, body
		})
	}
	a := mns.Attributes{
		Visibility: 6 * time.Minute, Retention: 7 * 24 * time.Hour, Polling: 20 * time.Second,
	}
	if err := respond(201, "").CreateQueue(t.Context(), "steps", a); err != nil {
		t.Error(err)
	}
	if err := respond(204, "").SetAttributes(t.Context(), "steps", a); err != nil {
		t.Error(err)
	}
	if err := respond(204, "").DeleteQueue(t.Context(), "steps"); err != nil {
		t.Error(err)
	}
	c := respond(200, `<Queue xmlns="http://mns.aliyuncs.com/doc/v1/"><QueueName>steps</QueueName>`+
		`<VisibilityTimeout>360</VisibilityTimeout>`+
		`<MessageRetentionPeriod>604800</MessageRetentionPeriod>`+
		`<PollingWaitSeconds>20</PollingWaitSeconds></Queue>`)
	found, err := c.GetAttributes(t.Context(), "steps")
	if err != nil || found != a {
		t.Errorf("%v, %v", found, err)
	}
	const body = `<Queue xmlns="http://mns.aliyuncs.com/doc/v1/">` +
		`<VisibilityTimeout>360</VisibilityTimeout>` +
		`<MessageRetentionPeriod>604800</MessageRetentionPeriod>` +
		`<PollingWaitSeconds>20</PollingWaitSeconds></Queue>`
	want := []string{
		"PUT /queues/steps " + body, "PUT /queues/steps?metaoverride=true " + body,
		"DELETE /queues/steps ", "GET /queues/steps ",
	}
	if strings.Join(got, "\n") != strings.Join(want, "\n") {
		t.Errorf("%s", strings.Join(got, "\n"))
	}
	_, err = respond(404,
		`<Error><Code>QueueNotExist</Code><Message>no</Message></Error>`).GetAttributes(t.Context(),
		"steps")
	if mns.Code(err) != "QueueNotExist" {
		t.Error(err)
	}
}
