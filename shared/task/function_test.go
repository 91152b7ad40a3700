package task_test

import (
	"strings"
	"testing"

	"millrace/shared/task"
)

func TestParseFunction(t *testing.T) {
	tests := []struct{ resource, service, name, qualifier, arn string }{
		{"acs:fc:::functions/f", "", "f", "LATEST", "acs:fc:cn-x:1:functions/f/LATEST"},
		{"acs:fc:cn-y:2:functions/f/live", "", "f", "live", "acs:fc:cn-y:2:functions/f/live"},
		{
			"acs:fc:::services/s.3/functions/f", "s", "f", "3",
			"acs:fc:cn-x:1:services/s.3/functions/f",
		},
		{
			"acs:fc:::services/s/functions/f", "s", "f", "LATEST",
			"acs:fc:cn-x:1:services/s.LATEST/functions/f",
		},
		{"acs:fc:::functions/s$f", "", "s$f", "LATEST", "acs:fc:cn-x:1:functions/s$f/LATEST"},
	}
	for _, test := range tests {
		f, err := task.ParseFunction(test.resource, "cn-x", "1")
		if err != nil || f.Service != test.service || f.Name != test.name ||
			f.Qualifier != test.qualifier || f.ARN() != test.arn || f.Raw != test.resource {
			t.Errorf("%s: %+v %v", test.resource, f, err)
		}
	}
	for _, bad := range []string{"", "f", "acs:oss:::x", "acs:fc:::functions/",
		"acs:fc:::functions/f/", "acs:fc:::functions/a b", "acs:fc:::functions/..",
		"acs:fc:::services/../functions/f", "acs:fc:::functions/a/b/c",
		"acs:fc:::services/.q/functions/f", "acs:fc:::services/s./functions/f",
		"acs:fc:x/y::functions/f", "acs:fc:::functions/" + strings.Repeat("a", 129)} {
		if f, err := task.ParseFunction(bad, "", ""); err == nil {
			t.Errorf("%q: %+v", bad, f)
		}
	}
}

func FuzzParseFunction(f *testing.F) {
	f.Add("acs:fc:::services/s.1/functions/f", "*")
	f.Add("acs:fc:a:b:functions/f/q", "acs:fc:*:functions/f")
	f.Fuzz(func(t *testing.T, resource, pattern string) {
		if got, err := task.ParseFunction(resource, "r", "1"); err == nil {
			got.Matches(pattern)
			if !got.Matches(got.ARN()) || got.Name == "" || got.Qualifier == "" {
				t.Fatalf("%+v", got)
			}
		}
	})
}
