package cli

import (
	"io"
	"strings"
	"testing"
	"time"

	"github.com/spf13/pflag"
)

// FuzzArguments checks that the parser neither loses nor invents a positional argument.
func FuzzArguments(f *testing.F) {
	for _, s := range []string{
		"a\n--name\nx\nb", "--wait\n--\n--name", "--name=\n-", "--limit\n7\n--limit=x",
		"-\n---\n--=\n-=x", "--name\n--", "-h", "--wait=no\na", "-wn\nx\na", "-nx\na\n-w=no",
	} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, text string) {
		args := strings.Split(text, "\n")
		var positional []string
		ran := false
		c := &invocation{Env: Env{Stdout: io.Discard}}
		cc := c.leaf(&command{name: "x", argsMax: -1,
			define: func(f *pflag.FlagSet) func(*invocation) error {
				f.StringP("name", "n", "", "`NAME`")
				f.BoolP("wait", "w", false, "")
				f.Int64("limit", 1, "`N`")
				return func(c *invocation) error {
					ran, positional = true, c.args
					return nil
				}
			}})
		c.Args = args
		cc.SilenceErrors, cc.SilenceUsage = true, true
		cc.SetArgs(args)
		if err := cc.Execute(); err != nil {
			if err.Error() == "" {
				t.Error("an error without words")
			}
			return
		}
		i := 0
		for _, p := range positional {
			for i < len(args) && args[i] != p {
				i++
			}
			if i == len(args) {
				t.Fatalf("%q: %q is not an argument in its order", args, positional)
			}
			i++
		}
		if !ran && !c.helping {
			t.Errorf("%q: neither run nor helped nor refused", args)
		}
	})
}

// FuzzParseTime checks that an accepted time is valid on the wire.
func FuzzParseTime(f *testing.F) {
	for _, s := range []string{
		"", "7d", "90m", "2026-11-22", "2026-11-22T10:00:00+08:00", "2026-11-22 10:00", "-1h",
		"99999d", "1e9h", "9999-12-31T23:59:59-23:59", "0001-01-01",
	} {
		f.Add(s)
	}
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	f.Fuzz(func(t *testing.T, text string) {
		got, err := parseTime(text, now)
		if err != nil || text == "" {
			return
		}
		if _, err := time.Parse(time.RFC3339, got); err != nil ||
			len(got) != len("2026-11-22T12:00:00.000Z") {
			t.Errorf("%q gives %q", text, got)
		}
	})
}

func TestParseTime(t *testing.T) {
	now := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	wants := map[string]string{
		"2026-11-22":             "2026-11-22T00:00:00.000Z",
		"2026-11-22T10:00:01.5Z": "2026-11-22T10:00:01.500Z", "90m": "2026-11-22T10:30:00.000Z",
		"2d": "2026-11-20T12:00:00.000Z", "1.5h": "2026-11-22T10:30:00.000Z",
	}
	for _, between := range []string{"T", "t", " "} {
		for _, seconds := range []string{"", ":00"} {
			for zone, want := range map[string]string{
				"": "10", "Z": "10", "z": "10", "+08:00": "02", "-01:00": "11",
			} {
				wants["2026-11-22"+between+"10:00"+seconds+zone] = "2026-11-22T" + want +
					":00:00.000Z"
			}
		}
	}
	for text, want := range wants {
		if got, err := parseTime(text, now); err != nil || got != want {
			t.Errorf("%s: %s, %v; want %s", text, got, err, want)
		}
	}
	for _, text := range []string{
		"-1h", "soon", "d", "-3d", "2026-13-01", "10:00", "2026-11-22T", "2026-11-22 ",
		"2026-11-22T10", "2026-11-22  10:00", "2026-11-22 10:00 Z", "2026-11-22Z",
	} {
		got, err := parseTime(text, now)
		if err == nil {
			t.Errorf("%s: %s, want an error", text, got)
			continue
		}
		for _, form := range []string{
			"2026-11-22T10:00:00Z", "2026-11-22T10:00+08:00", "2026-11-22 10:00", "UTC", "90m",
		} {
			if !strings.Contains(err.Error(), form) {
				t.Errorf("the error does not show %s: %v", form, err)
			}
		}
	}
}
