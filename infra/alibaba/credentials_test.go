package main

import (
	"errors"
	"os"
	"path/filepath"
	"testing"

	"millrace/shared/alibaba"
)

// TestFindCredentials: the set-up command signs with the environment's key, with that of a named
// file, or with what the tools of Alibaba Cloud would use, in this order.
func TestFindCredentials(t *testing.T) {
	home := t.TempDir()
	t.Setenv("HOME", home)
	t.Setenv("ALIBABA_CLOUD_ECS_METADATA_DISABLED", "true")
	for _, name := range []string{alibaba.EnvKeyID, alibaba.EnvKeySecret, alibaba.EnvToken,
		alibaba.EnvFile, alibaba.EnvProfile} {
		t.Setenv(name, "")
	}
	key := func() (string, error) {
		c, err := findCredentials(os.Getenv)(t.Context())
		return c.AccessKeyID + " " + c.AccessKeySecret, err
	}
	if got, err := key(); !errors.Is(err, alibaba.ErrNoCredentials) {
		t.Errorf("nothing is set: %q, %v", got, err)
	}
	write := func(name, content string) string {
		path := filepath.Join(home, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	check := func(want string) {
		t.Helper()
		if got, err := key(); err != nil || got != want {
			t.Errorf("%q, %v, want %q", got, err, want)
		}
	}
	write(".aliyun/config.json", `{"current": "p", "profiles": [{"name": "p", "mode": "AK",
		"access_key_id": "tool", "access_key_secret": "s1"}]}`)
	check("tool s1")
	t.Setenv(alibaba.EnvFile, write("keys.ini",
		"[default]\ntype = access_key\naccess_key_id = file\naccess_key_secret = s2\n"))
	check("file s2")
	t.Setenv(alibaba.EnvKeyID, "environment")
	t.Setenv(alibaba.EnvKeySecret, "s3")
	check("environment s3")
}
