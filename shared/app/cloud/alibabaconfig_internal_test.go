//go:build !millrace_aws

package cloud

import "testing"

// TestEndpointsOfAlibaba: region and account come from the environment, else from Function Compute,
// else from the address of the queue.
func TestEndpointsOfAlibaba(t *testing.T) {
	config := Config{StoreURL: "tablestore://millrace/state",
		QueueURL: "mns://1234567890123456.mns.cn-hangzhou.aliyuncs.com/steps"}
	env := map[string]string{}
	for _, c := range []struct{ variable, value, region, account string }{
		{"", "", "cn-hangzhou", "1234567890123456"},
		{"FC_REGION", "cn-beijing", "cn-beijing", "1234567890123456"},
		{"FC_ACCOUNT_ID", "2", "cn-beijing", "2"},
		{"ALIBABA_CLOUD_REGION_ID", "cn-shanghai", "cn-shanghai", "2"},
		{"ALIBABA_CLOUD_ACCOUNT_ID", "3", "cn-shanghai", "3"},
	} {
		env[c.variable] = c.value
		a, err := alibabaConfig(config, func(name string) string { return env[name] })
		if err != nil {
			t.Fatal(err)
		}
		if a.endpoints.Region != c.region || a.endpoints.Account != c.account {
			t.Errorf("with %s: %s, %s", c.variable, a.endpoints.Region, a.endpoints.Account)
		}
	}
}

func TestIsMadeOf(t *testing.T) {
	for s, want := range map[string]bool{"": false, "azAZ09": true, "a-b": true, "a_b": false,
		"/": false, ":": false, "@": false, "[": false, "`": false, "{": false, "a\x00": false} {
		if isMadeOf(s, "-") != want {
			t.Errorf("isMadeOf(%q): %v", s, !want)
		}
	}
}
