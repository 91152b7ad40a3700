package arn_test

import (
	"strings"
	"testing"

	"millrace/shared/arn"
)

func TestParse(t *testing.T) {
	name, err := arn.Parse("acs:mns:::/queues/q/messages")
	if err != nil || name != (arn.ARN{Service: "mns", Resource: "queues/q/messages"}) {
		t.Errorf("%+v, %v", name, err)
	}
	if got := name.WithDefaults("cn-hangzhou",
		"1").String(); got != "acs:mns:cn-hangzhou:1:queues/q/messages" {
		t.Error(got)
	}
	for _, s := range []string{"", "acs", "acs:fc", "acs:fc:::", "arn:fc:::functions/f",
		"acs::::functions/f",
		"acs:fc:::" + strings.Repeat("f", 2000)} {
		if name, err := arn.Parse(s); err == nil {
			t.Errorf("%.40q was accepted as %+v", s, name)
		}
	}
}

func FuzzParse(f *testing.F) {
	f.Add("acs:fc:::functions/f/LATEST")
	f.Add("acs:fc:cn:1:services/s.q/functions/f")
	f.Fuzz(func(t *testing.T, s string) {
		name, err := arn.Parse(s)
		if err != nil {
			return
		}
		if again, err := arn.Parse(name.String()); strings.HasPrefix(name.Resource,
			"/") == false && (err != nil || again != name) {
			t.Fatalf("%q → %+v → %+v, %v", s, name, again, err)
		}
	})
}
