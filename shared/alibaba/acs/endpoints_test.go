package acs_test

import (
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"strings"
	"testing"

	"millrace/shared/alibaba/acs"
)

func sha1Of(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestEndpoints(t *testing.T) {
	p := acs.Endpoints{Account: "123", Region: "cn-hangzhou"}
	vpc := p
	vpc.VPC = true
	tests := []struct{ outside, inside, want, within string }{
		{
			of(p.Functions("", "")), of(vpc.Functions("", "")),
			"https://123.cn-hangzhou.fc.aliyuncs.com",
			"https://123.cn-hangzhou-internal.fc.aliyuncs.com",
		},
		{
			of(p.Functions("cn-beijing", "9")), of(vpc.Functions("cn-beijing", "9")),
			"https://9.cn-beijing.fc.aliyuncs.com", "https://9.cn-beijing-internal.fc.aliyuncs.com",
		},
		{
			of(p.Messages("", "")), of(vpc.Messages("", "")),
			"https://123.mns.cn-hangzhou.aliyuncs.com",
			"https://123.mns.cn-hangzhou-internal.aliyuncs.com",
		},
		{
			of(p.Events()), of(vpc.Events()), "https://123.eventbridge.cn-hangzhou.aliyuncs.com",
			"https://123.eventbridge.cn-hangzhou-vpc.aliyuncs.com",
		},
		{
			of(p.Product("ecs", "", "")), of(vpc.Product("ecs", "", "")),
			"https://ecs.cn-hangzhou.aliyuncs.com", "https://ecs-vpc.cn-hangzhou.aliyuncs.com",
		},
		{
			of(p.Product("fnf", "", "{region}.fnf.aliyuncs.com")),
			of(vpc.Product("sts", "", "sts.aliyuncs.com")), "https://cn-hangzhou.fnf.aliyuncs.com",
			"https://sts.aliyuncs.com",
		},
	}
	for _, test := range tests {
		if test.outside != test.want || test.inside != test.within {
			t.Errorf("%s and %s, want %s and %s", test.outside, test.inside, test.want, test.within)
		}
	}
	p.Override = func(product string) string {
		return map[string]string{"fc": "http://127.0.0.1:1/", "ecs": "http://e"}[product]
	}
	if got := of(p.Functions("", "")); got != "http://127.0.0.1:1" {
		t.Error(got)
	}
	if got := of(p.Product("ecs", "cn-beijing", "")); got != "http://e" {
		t.Error(got)
	}
}

func of(address string, err error) string {
	if err != nil {
		return "error: " + err.Error()
	}
	return address
}

// TestForeignHosts: no name in a flow leads to a host of another party.
func TestForeignHosts(t *testing.T) {
	p := acs.Endpoints{
		Account: "123", Region: "cn-hangzhou",
		Override: func(string) string { return "http://override" },
	}
	for _, bad := range []string{
		"evil.com/", "cn-hangzhou.evil.com", "a", "-cn", "cn-", "CN-HANGZHOU", "cn hangzhou",
		"cn-hangzhou@x", "cn#", "1cn", strings.Repeat("a", 33), "cn\n",
	} {
		for name, f := range map[string]func() (string, error){
			"functions": func() (string, error) { return p.Functions(bad, "") },
			"messages":  func() (string, error) { return p.Messages(bad, "") },
			"region":    func() (string, error) { return p.Product("ecs", bad, "") },
			"product":   func() (string, error) { return p.Product(bad, "", "") },
		} {
			if got, err := f(); err == nil {
				t.Errorf("%s %q: %s", name, bad, got)
			}
		}
	}
	// No regions; {bucket}.{region} would be a host.
	for _, bad := range []string{
		"oss-cn-hangzhou", "mns-cn-hangzhou", "fc", "cn", "cn--x", "xx-hangzhou",
	} {
		if got, err := p.Product("ecs", bad, ""); err == nil {
			t.Errorf("region %q: %s", bad, got)
		}
	}
	for _, bad := range []string{"1.evil", "12a", "1/", strings.Repeat("1", 21), "-1"} {
		if got, err := p.Functions("", bad); err == nil {
			t.Errorf("%q: %s", bad, got)
		}
	}
	if _, err := (&acs.Endpoints{}).Functions("", ""); err == nil ||
		!strings.Contains(err.Error(), "ALIBABA_CLOUD_REGION_ID") {
		t.Error(err)
	}
	if _, err := (&acs.Endpoints{Region: "cn-hangzhou"}).Messages("", ""); err == nil ||
		!strings.Contains(err.Error(), "ALIBABA_CLOUD_ACCOUNT_ID") {
		t.Error(err)
	}
}

func FuzzHosts(f *testing.F) {
	f.Add("cn-hangzhou", "123", "ecs")
	f.Add("evil.com/", "1@x", "a.b")
	f.Fuzz(func(t *testing.T, region, account, product string) {
		p := acs.Endpoints{Account: "1", Region: "cn-hangzhou"}
		for _, address := range []string{
			of(p.Functions(region, account)), of(p.Messages(region, account)),
			of(p.Product(product, region, "")),
		} {
			if !strings.HasPrefix(address, "error: ") &&
				(!strings.HasSuffix(address, ".aliyuncs.com") || strings.ContainsAny(address[8:],
					"/@:#? ")) {
				t.Fatal(address)
			}
		}
	})
}

func TestCheckAddress(t *testing.T) {
	for address, good := range map[string]bool{"https://h": true, "http://127.0.0.1:1/": true,
		"h": false, "ftp://h": false, "https://": false,
		"https://h/p": false, "https://h?q": false, "https://u:p@h": false, "": false} {
		if err := acs.CheckAddress(address); (err == nil) != good {
			t.Errorf("%s: %v", address, err)
		}
	}
}
