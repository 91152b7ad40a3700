package acs_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha1"
	"encoding/base64"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/task/acs"
)

func sha1Of(secret, text string) string {
	mac := hmac.New(sha1.New, []byte(secret))
	mac.Write([]byte(text))
	return base64.StdEncoding.EncodeToString(mac.Sum(nil))
}

func TestOrder(t *testing.T) {
	role, env := acs.Credentials{}, map[string]string{}
	path := filepath.Join(t.TempDir(), "credentials")
	p := acs.First(acs.Role(func() (acs.Credentials, bool) { return role, role.Valid() }),
		acs.Environment(func(name string) string { return env[name] }),
		func(ctx context.Context) (acs.Credentials, error) {
			if _, err := os.Stat(path); err != nil {
				return acs.Credentials{}, acs.ErrNone
			}
			return acs.File(path, "")(ctx)
		})
	if _, err := p(t.Context()); !errors.Is(err, acs.ErrNone) ||
		!strings.Contains(err.Error(), acs.EnvKeyID) {
		t.Error(err)
	}
	want := func(id string) {
		t.Helper()
		if c, err := p(t.Context()); err != nil || c.AccessKeyID != id {
			t.Errorf("%s, want %s: %v", c.AccessKeyID, id, err)
		}
	}
	write(t, path, "[default]\naccess_key_id = file\naccess_key_secret = s\n")
	want("file")
	env[acs.EnvKeyID] = "env"
	if _, err := p(t.Context()); err == nil || errors.Is(err, acs.ErrNone) {
		t.Errorf("half a key: %v", err)
	}
	env[acs.EnvKeySecret] = "s"
	want("env")
	role = acs.Credentials{AccessKeyID: "role 1", AccessKeySecret: "s", SecurityToken: "t"}
	want("role 1")
	role.AccessKeyID = "role 2"
	want("role 2")
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFileRotates: a changed file is read again.
func TestFileRotates(t *testing.T) {
	path := filepath.Join(t.TempDir(), "credentials")
	p := acs.File(path, "x")
	if _, err := p(t.Context()); err == nil || errors.Is(err, acs.ErrNone) {
		t.Errorf("a file that was named and is not there: %v", err)
	}
	for i, id := range []string{"one", "three"} {
		write(t, path, "[x]\ntype=sts\naccess_key_id="+id+"\naccess_key_secret=s\nsecurity_token=t")
		at := time.Now().Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		if c, err := p(t.Context()); err != nil ||
			c != (acs.Credentials{AccessKeyID: id, AccessKeySecret: "s", SecurityToken: "t"}) {
			t.Errorf("%+v %v", c, err)
		}
	}
	t.Setenv("HOME", t.TempDir())
	if _, err := acs.File("", "")(t.Context()); !errors.Is(err, acs.ErrNone) {
		t.Errorf("no file at its usual place: %v", err)
	}
}

func TestParseFile(t *testing.T) {
	const good = "access_key_id = a\naccess_key_secret = topsecret=\n"
	for text, want := range map[string]string{
		"[default]\n" + good:                           "",
		"# x\n; y\n[other]\nz = 1\n[default]\n" + good: "",
		"[default]\ntype = ram_role_arn\n" + good:      "only the types",
		"[default]\naccess_key_id = a":                 "has no access_key_id",
		"[other]\n" + good:                             "no profile default",
		"[default\n":                                   "line 1",
		"[default]\ntopsecret":                         "line 2",
		"":                                             "no profile",
	} {
		c, err := acs.ParseFile([]byte(text), "default")
		switch {
		case want == "" && (err != nil || c.AccessKeySecret != "topsecret="):
			t.Errorf("%q: %v", text, err)
		case want != "" &&
			(err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(),
				"topsecret")):
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}

func FuzzParseFile(f *testing.F) {
	f.Add(
		[]byte("[default]\ntype = sts\naccess_key_id = a\naccess_key_secret = b\nsecurity_token "+
			"= c\n"), "default",
	)
	f.Add([]byte("[]\n=\n[a]\n"), "")
	f.Fuzz(func(t *testing.T, text []byte, profile string) {
		if c, err := acs.ParseFile(text, profile); err == nil && !c.Valid() {
			t.Fatal("credentials that cannot sign")
		}
	})
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
