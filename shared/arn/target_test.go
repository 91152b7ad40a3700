package arn_test

import (
	"testing"

	"millrace/shared/arn"
)

func TestTargetOf(t *testing.T) {
	for _, c := range []struct {
		name string
		want arn.Target
		ok   bool
	}{
		{"acs:fc:::functions/f", arn.Function, true},
		{"acs:fc:cn-hangzhou:1:functions/f/LATEST", arn.Function, true},
		{"acs:fc:::services/s.prod/functions/f", arn.Function, true},
		{"acs:fc:::services/s/f", arn.Other, true},
		{"acs:fc:::functions//LATEST", arn.Other, true},
		{"acs:fnf:::flow/child", arn.Flow, true},
		{"acs:fnf:::flow/child/live", arn.Flow, true},
		{"acs:fnf:::flow/child/", arn.Other, true},
		{"acs:fnf:::flow//live", arn.Other, true},
		{"acs:fnf:::flow/child/live/1", arn.Other, true},
		{"acs:fnf:::flows/child", arn.Other, true},
		{"acs:mns:::/queues/q/messages", arn.Queue, true},
		{"acs:mns:r:1:/topics/t/messages", arn.Topic, true},
		{"acs:mns:::/queues//messages", arn.Other, true},
		{"acs:mns:::queues/q/messages", arn.Other, true},
		{"acs:oss:::bucket", arn.Other, true},
		{"acs:fc:::functions/a b", arn.Other, false},
		{"arn:aws:lambda:x:y:z", arn.Other, false},
		{"acs:fc", arn.Other, false},
		{"", arn.Other, false},
	} {
		if got, ok := arn.TargetOf(c.name); got != c.want || ok != c.ok {
			t.Errorf("TargetOf(%q) = %d, %v, want %d, %v", c.name, got, ok, c.want, c.ok)
		}
	}
}
