package openapitask

import (
	"context"
	"fmt"
	"net/url"

	"millrace/shared/charset"
	"millrace/shared/task"
	"millrace/shared/value"
)

// ActionSendSms is the action that SMS carries out.
const ActionSendSms = "SMS:SendSms"

// SMS sends short messages. The result is
// {"EntryList":{"BizId","Code","Message","RequestId"},"Headers":{…}}.
type SMS struct{ Service }

// Run sends the message and returns when the service has accepted it.
func (t *SMS) Run(ctx context.Context, r task.Request) task.Result {
	p, err := object(r.Parameters)
	q := url.Values{}
	for name, to := range map[string]string{
		"phoneNumbers": "PhoneNumbers", "signName": "SignName", "templateCode": "TemplateCode",
	} {
		text, _ := p[name].(string)
		if text == "" && err == nil {
			err = fmt.Errorf("%s is required, a text", name)
		}
		q.Set(to, text)
	}
	if v, ok := p["templateParam"]; ok && v != nil {
		q.Set("TemplateParam", task.Text(value.Encode(v)))
	}
	product := knownProducts["dysmsapi"]
	var endpoint string
	if err == nil {
		endpoint, err = t.Endpoints.Product("dysmsapi", "", product.Host)
	}
	if err != nil {
		return r.Failf(invalidArgument, "%s", err)
	}
	a, err := t.Client.Do(ctx, rpc(endpoint, "SendSms", product.Version, q))
	if err != nil {
		return task.Failed(failure(ctx, &r, err))
	}
	var entry struct{ Code, Message string }
	// An unreadable response has no code, and is passed on as it is.
	_ = value.Unmarshal(a.Body, &entry)
	if entry.Code != "" && entry.Code != "OK" {
		return r.Failf(entry.Code, "%s", entry.Message)
	}
	headers := map[string]any{}
	for name := range a.Header {
		headers[name] = charset.Header(a.Header.Get(name))
	}
	list, failed := task.Body(a.Header.Get("Content-Type"), a.Body)
	if failed != nil {
		return task.Failed(failed)
	}
	output := append([]byte(`{"EntryList":`), list...)
	output = append(append(append(output, `,"Headers":`...), value.Encode(headers)...), '}')
	return task.Result{Output: output}
}
