package mns_test

import (
	"strings"
	"testing"

	"millrace/tests/clouds/emulators/alibaba/mns"
)

func TestTopics(t *testing.T) {
	bubble(t, func(t *testing.T, s *mns.Server, c *caller) {
		const message = "<Message><MessageBody>a &lt; " +
			"b</MessageBody><MessageTag>x</MessageTag></Message>"
		queue := "acs:mns:" + mns.Region + ":" + mns.AccountID + ":queues/"
		subscription := func(rest string) string {
			return "<Subscription>" + rest + "</Subscription>"
		}
		c.want(404, "TopicNotExist", "POST", "/topics/t/messages", message)
		c.want(400, "TopicNameInvalid", "PUT", "/topics/1t", "")
		c.want(400, "TopicNameLengthError", "PUT", "/topics/"+strings.Repeat("t", 121), "")
		c.want(201, "", "PUT", "/topics/t", "<Topic><LoggingEnabled>true</LoggingEnabled></Topic>")
		c.want(204, "", "PUT", "/topics/t", "<Topic><LoggingEnabled>true</LoggingEnabled></Topic>")
		c.want(409, "TopicAlreadyExist", "PUT", "/topics/t", "")
		c.want(204, "", "PUT", "/topics/t?metaoverride=true",
			"<Topic><MaximumMessageSize>1024</MaximumMessageSize></Topic>")
		meta := c.want(200, "", "GET", "/topics/t", "")
		if !strings.Contains(meta, "<MaximumMessageSize>1024<") {
			t.Error(meta)
		}
		c.want(400, "EndpointInvalid", "PUT", "/topics/t/subscriptions/s",
			subscription("<Endpoint>mail:x</Endpoint>"))
		c.want(400, "InvalidArgument", "PUT", "/topics/t/subscriptions/s", subscription(
			"<Endpoint>http://h</Endpoint><NotifyContentFormat>YAML</NotifyContentFormat>"))
		c.want(400, "InvalidArgument", "PUT", "/topics/t/subscriptions/s",
			subscription("<Endpoint>http://h</Endpoint><NotifyStrategy>NEVER</NotifyStrategy>"))
		for name, rest := range map[string]string{
			"plain": "<NotifyContentFormat>SIMPLIFIED</NotifyContentFormat>",
			"json":  "<NotifyContentFormat>JSON</NotifyContentFormat><FilterTag>x</FilterTag>",
			"xml":   "",
			"other": "<FilterTag>y</FilterTag>",
		} {
			body := subscription("<Endpoint>" + queue + "q</Endpoint>" + rest)
			c.want(201, "", "PUT", "/topics/t/subscriptions/"+name, body)
			c.want(204, "", "PUT", "/topics/t/subscriptions/"+name, body)
		}
		c.want(201, "", "PUT", "/topics/t/subscriptions/web",
			subscription("<Endpoint>http://h/</Endpoint>"))
		c.want(409, "SubscriptionAlreadyExist", "PUT", "/topics/t/subscriptions/web",
			subscription("<Endpoint>http://h/2</Endpoint>"))
		shown := c.want(200, "", "GET", "/topics/t/subscriptions/json", "")
		if !strings.Contains(shown, "<FilterTag>x<") ||
			!strings.Contains(shown, "<NotifyStrategy>BACKOFF_RETRY<") {
			t.Error(shown)
		}
		c.headers = map[string]string{"x-mns-ret-number": "4"}
		list := c.want(200, "", "GET", "/topics/t/subscriptions", "")
		if strings.Count(list, "<SubscriptionURL>") != 4 ||
			!strings.Contains(list, "<NextMarker>xml<") {
			t.Error(list)
		}
		c.headers = nil
		c.want(201, "", "POST", "/topics/t/messages", message)
		c.want(400, "InvalidArgument", "POST", "/topics/t/messages", "<Message/>")
		c.want(400, "InvalidArgument", "POST", "/topics/t/messages",
			"<Message><MessageBody>"+strings.Repeat("x", 1025)+"</MessageBody></Message>")
		got := s.Bodies("q")
		if len(got) != 3 || !strings.Contains(got[0], `"Message":"a \u003c b"`) ||
			got[1] != "a < b" || !strings.Contains(got[2], "<Message>a &lt; b</Message>") {
			t.Errorf("%q", got)
		}
		if p := s.Published("t"); len(p) != 1 || p[0] != "a < b" {
			t.Error(p)
		}
		c.want(204, "", "DELETE", "/topics/t/subscriptions/plain", "")
		c.want(404, "SubscriptionNotExist", "GET", "/topics/t/subscriptions/plain", "")
		c.want(204, "", "DELETE", "/topics/t", "")
		c.want(404, "TopicNotExist", "GET", "/topics/t", "")
	})
}
