package mns_test

import (
	"strings"
	"testing"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

func TestErrors(t *testing.T) {
	s := mns.New(mns.Options{})
	s.CreateQueue("q")
	const good = "<Message><MessageBody>x</MessageBody></Message>"
	message := func(rest string) string {
		return "<Message><MessageBody>x</MessageBody>" + rest + "</Message>"
	}
	for _, c := range []struct {
		status                       int
		code, method, resource, body string
	}{
		{201, "", "POST", "/queues/q/messages", good},
		{201, "", "POST", "/queues/q/messages",
			`<?xml version="1.0"?><!-- c --><Message xmlns="http://mns.aliyuncs.com/doc/v1/">` +
				`<Other>1</Other><MessageBody>x</MessageBody></Message> `},
		{404, "QueueNotExist", "POST", "/queues/nobody/messages", good},
		{400, "MalformedXML", "POST", "/queues/q/messages", "<Message>"},
		{400, "MalformedXML", "POST", "/queues/q/messages", ""},
		{400, "MalformedXML", "POST", "/queues/q/messages", good + good},
		{400, "MalformedXML", "POST", "/queues/q/messages", good + "text"},
		{400, "MalformedXML", "POST", "/queues/q/messages",
			"<Message><MessageBody>\x01</MessageBody></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Other/>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Message/>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Message><MessageBody/></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			message("<DelaySeconds>604801</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			message("<DelaySeconds>-1</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			message("<DelaySeconds>1.5</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages", message("<Priority>17</Priority>")},
		{201, "", "POST", "/queues/q/messages",
			message("<Priority>0</Priority><DelaySeconds>604800</DelaySeconds>")},
		{400, "InvalidArgument", "POST", "/queues/q/messages", "<Messages/>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			"<Messages>" + strings.Repeat(good, 17) + "</Messages>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			"<Message><MessageBody>" + strings.Repeat("x", 65537) + "</MessageBody></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			"<Message><MessageBody>" + strings.Repeat("x", 600000) + "</MessageBody></Message>"},
		{400, "InvalidArgument", "POST", "/queues/q/messages",
			"<Messages>" + strings.Repeat("<Message><MessageBody>"+strings.Repeat("x", 5000)+
				"</MessageBody></Message>", 16) + "</Messages>"},
		{400, "InvalidArgument", "GET", "/queues/q/messages?numOfMessages=17", ""},
		{400, "InvalidQueryString", "GET", "/queues/q/messages?numOfMessages=x", ""},
		{400, "InvalidQueryString", "GET", "/queues/q/messages?waitseconds=x", ""},
		{400, "InvalidArgument", "GET", "/queues/q/messages?waitseconds=31", ""},
		{400, "InvalidRequestURL", "GET", "/queues/q/messages?a=1;b=%zz", ""},
		{400, "MissingReceiptHandle", "DELETE", "/queues/q/messages", ""},
		{400, "MissingReceiptHandle", "DELETE", "/queues/q/messages", "<ReceiptHandles/>"},
		{400, "ReceiptHandleError", "DELETE", "/queues/q/messages?ReceiptHandle=nonsense", ""},
		{404, "MessageNotExist", "DELETE", "/queues/q/messages?ReceiptHandle=1-QQ==", ""},
		{400, "MissingReceiptHandle", "PUT", "/queues/q/messages?visibilityTimeout=1", ""},
		{400, "MissingVisibilityTimeout", "PUT", "/queues/q/messages?receiptHandle=1-QQ==", ""},
		{400, "InvalidArgument", "PUT",
			"/queues/q/messages?receiptHandle=1-QQ==&visibilityTimeout=0", ""},
		{405, "MethodNotAllowed", "PATCH", "/queues/q/messages", ""},
		{405, "MethodNotAllowed", "GET", "/other", ""},
		{405, "MethodNotAllowed", "PUT", "/topics", ""},
		{405, "MethodNotAllowed", "GET", "/topics/t/other", ""},
		{400, "InvalidQueueName", "PUT", "/queues/a_b", ""},
		{400, "QueueNameLengthError", "PUT", "/queues/" + strings.Repeat("a", 121), ""},
		{400, "InvalidArgument", "PUT", "/queues/a",
			"<Queue><MaximumMessageSize>1</MaximumMessageSize></Queue>"},
		{400, "InvalidArgument", "PUT", "/queues/a",
			"<Queue><LoggingEnabled>maybe</LoggingEnabled></Queue>"},
		{204, "", "DELETE", "/queues/nobody", ""},
	} {
		newCaller(t, s).want(c.status, c.code, c.method, c.resource, c.body)
	}
}
