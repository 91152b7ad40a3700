package mnsqueue_test

import (
	"encoding/base64"
	"strings"
	"testing"

	"millrace/shared/queue/mnsqueue"
	"millrace/shared/queue/queuetest"
)

func TestBodies(t *testing.T) {
	base := func(json string) string { return base64.StdEncoding.EncodeToString([]byte(json)) }
	queuetest.Bodies(t, mnsqueue.Encode, mnsqueue.Decode, strings.Clone, base,
		func(json string) string { return base(json) + "\n" })
}

func TestAddress(t *testing.T) {
	for _, c := range []struct{ url, endpoint, name string }{
		{
			"mns://1.mns.cn-hangzhou.aliyuncs.com/wf-steps",
			"https://1.mns.cn-hangzhou.aliyuncs.com", "wf-steps",
		},
		{
			"https://1.mns.cn-hangzhou-internal.aliyuncs.com/queues/wf-steps/",
			"https://1.mns.cn-hangzhou-internal.aliyuncs.com", "wf-steps",
		},
		{"http://127.0.0.1:1/queues", "http://127.0.0.1:1", ""},
		{"http://127.0.0.1:1/queues/q", "http://127.0.0.1:1", "q"},
		{"sqs://q", "", ""}, {"mns:///q", "", ""}, {"mns://h/", "", ""}, {"mns://h/a/b", "", ""},
		{"mns://h/q?x=1", "", ""}, {"://", "", ""}, {"mns://h/a b", "", ""},
	} {
		endpoint, name, err := mnsqueue.Address(c.url)
		if c.name == "" {
			if err == nil {
				t.Errorf("%s: %s %s", c.url, endpoint, name)
			}
		} else if err != nil || endpoint != c.endpoint || name != c.name {
			t.Errorf("%s: %s %s %v", c.url, endpoint, name, err)
		}
	}
}

// FuzzBody: Decode returns what was encoded.
func FuzzBody(f *testing.F) {
	for _, s := range []string{
		"x#1#a", "", "\x00", "\ufffe\uffff", `"quoted" <&>`, `{"v":1,"p":"x"}`, `{"v":9}`,
		"eyJ2IjoxLCJwIjoieCJ9",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		if p, err := mnsqueue.Decode(s); err == nil && p == "" {
			t.Errorf("Decode(%q) gives nothing", s)
		}
		body, err := mnsqueue.Encode(s)
		if err != nil {
			return
		}
		plain, _ := mnsqueue.EncodeJSON(s)
		for _, text := range []string{body, string(plain)} {
			if p, err := mnsqueue.Decode(text); err != nil || p != s {
				t.Errorf("Decode(%q): %q, %v", text, p, err)
			}
		}
	})
}
