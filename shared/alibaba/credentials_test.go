package alibaba_test

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"millrace/shared/alibaba"
)

func TestOrder(t *testing.T) {
	role, env := alibaba.Credentials{}, map[string]string{}
	path := filepath.Join(t.TempDir(), "credentials")
	p := alibaba.First(alibaba.Role(func() (alibaba.Credentials, bool) { return role, role.Valid() }),
		alibaba.Environment(func(name string) string { return env[name] }),
		func(ctx context.Context) (alibaba.Credentials, error) {
			if _, err := os.Stat(path); err != nil {
				return alibaba.Credentials{}, alibaba.ErrNoCredentials
			}
			return alibaba.File(path, "")(ctx)
		})
	if _, err := p(t.Context()); !errors.Is(err, alibaba.ErrNoCredentials) ||
		!strings.Contains(err.Error(), alibaba.EnvKeyID) {
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
	env[alibaba.EnvKeyID] = "env"
	if _, err := p(t.Context()); err == nil || errors.Is(err, alibaba.ErrNoCredentials) {
		t.Errorf("half a key: %v", err)
	}
	env[alibaba.EnvKeySecret] = "s"
	want("env")
	role = alibaba.Credentials{AccessKeyID: "role 1", AccessKeySecret: "s", SecurityToken: "t"}
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
	p := alibaba.File(path, "x")
	if _, err := p(t.Context()); err == nil || errors.Is(err, alibaba.ErrNoCredentials) {
		t.Errorf("a file that was named and is not there: %v", err)
	}
	for i, id := range []string{"one", "three"} {
		write(t, path, "[x]\ntype=sts\naccess_key_id="+id+"\naccess_key_secret=s\nsecurity_token=t")
		at := time.Now().Add(time.Duration(i) * time.Minute)
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
		if c, err := p(t.Context()); err != nil ||
			c != (alibaba.Credentials{AccessKeyID: id, AccessKeySecret: "s", SecurityToken: "t"}) {
			t.Errorf("%+v %v", c, err)
		}
	}
	t.Setenv("HOME", t.TempDir())
	if _, err := alibaba.File("", "")(t.Context()); !errors.Is(err, alibaba.ErrNoCredentials) {
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
		c, err := alibaba.ParseFile([]byte(text), "default")
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
		if c, err := alibaba.ParseFile(text, profile); err == nil && !c.Valid() {
			t.Fatal("credentials that cannot sign")
		}
	})
}
