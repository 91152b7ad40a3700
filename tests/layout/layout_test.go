// Package layout_test checks the rules for the shape of the repository: which package may import
// which, and what the core must not use. Run it with -count=1, because `go test` does not see what
// a child `go list` reads.
package layout_test

import (
	"bufio"
	"encoding/json"
	"os"
	"os/exec"
	"path"
	"strings"
	"testing"
)

const module = "millrace/"

type pkg struct {
	ImportPath string
	Imports    []string
	GoFiles    []string
	Dir        string
}

// packages lists the packages that the rules cover, without their tests.
func packages(t *testing.T) []pkg {
	t.Helper()
	cmd := exec.Command("go", "list", "-json=ImportPath,Imports,GoFiles,Dir", "./shared/...",
		"./functions/...", "./cmd/...")
	cmd.Dir = "../.."
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("go list: %v", err)
	}
	var list []pkg
	d := json.NewDecoder(strings.NewReader(string(out)))
	for d.More() {
		var p pkg
		if err := d.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if len(p.GoFiles) > 0 {
			list = append(list, p)
		}
	}
	if len(list) < 20 {
		t.Fatalf("go list gave %d packages", len(list))
	}
	return list
}

// short returns the name of a package as in the rules: without the module and without shared/.
func short(importPath string) string {
	return strings.TrimPrefix(strings.TrimPrefix(importPath, module), "shared/")
}

type rule struct {
	pattern string
	allowed []string
}

func rules(t *testing.T) []rule {
	t.Helper()
	f, err := os.Open("../../.ci/imports.txt")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	var list []rule
	for s := bufio.NewScanner(f); s.Scan(); {
		name, allowed, ok := strings.Cut(s.Text(), ":")
		if !ok {
			t.Fatalf("imports.txt: %q has no colon", s.Text())
		}
		list = append(list, rule{name, strings.Fields(allowed)})
	}
	return list
}

func match(pattern, name string) bool {
	ok, _ := path.Match(pattern, name)
	return ok
}

func TestImports(t *testing.T) {
	list := rules(t)
	for _, p := range packages(t) {
		name := short(p.ImportPath)
		var found *rule
		for i := range list {
			if list[i].pattern == name || found == nil && match(list[i].pattern, name) {
				found = &list[i]
			}
		}
		if found == nil {
			t.Errorf("%s has no line in .ci/imports.txt", name)
			continue
		}
		for _, imported := range p.Imports {
			if !strings.HasPrefix(imported, module) {
				continue
			}
			allowed := false
			for _, a := range found.allowed {
				allowed = allowed || match(a, short(imported))
			}
			if !allowed {
				t.Errorf("%s must not import %s", name, short(imported))
			}
		}
	}
}

// TestCoreIsPure: the core has no clock, no randomness, no I/O and no goroutines.
func TestCoreIsPure(t *testing.T) {
	core := []string{"value", "arn", "glob", "fault", "cron", "suggest", "yamldoc", "flow",
		"expr", "fdl", "fdl/*", "interp", "flowtest"}
	forbidden := map[string]bool{"context": true, "log": true, "log/slog": true, "math/rand": true,
		"math/rand/v2": true, "net": true,
		"net/http": true, "os": true, "sync": true, "sync/atomic": true, "crypto/rand": true}
	// A cache of what is known about a type does not change any result.
	remembers := map[string]string{"value": "sync"}
	for _, p := range packages(t) {
		pure := false
		for _, c := range core {
			pure = pure || match(c, short(p.ImportPath))
		}
		if !pure {
			continue
		}
		for _, i := range p.Imports {
			if forbidden[i] && remembers[short(p.ImportPath)] != i {
				t.Errorf("%s imports %s", short(p.ImportPath), i)
			}
		}
		for _, file := range p.GoFiles {
			text, err := os.ReadFile(path.Join(p.Dir, file))
			if err != nil {
				t.Fatal(err)
			}
			for _, call := range []string{"time.Now(", "time.After(", "time.Sleep("} {
				if strings.Contains(string(text), call) {
					t.Errorf("%s/%s calls %s)", short(p.ImportPath), file, call)
				}
			}
		}
	}
}

// TestThirdParty: only packages at the edge import third-party modules.
func TestThirdParty(t *testing.T) {
	allowed := map[string][]string{
		"gopkg.in/yaml.v3": {"yamldoc"},
		"github.com/aws/smithy-go": {"store/dynamostore", "queue/sqsqueue",
			"task/lambdatask", "object/s3object"},
		"github.com/cockroachdb/pebble":       {"store/pebblestore"},
		"github.com/prometheus/client_golang": {"app/local"},
		"github.com/aws/aws-lambda-go":        {"faas"},
		"github.com/aws/aws-sdk-go-v2": {"app/cloud", "task/lambdatask",
			"store/dynamostore", "queue/sqsqueue", "object/s3object"},
		"github.com/aliyun/alibabacloud-oss-go-sdk-v2": {"object/ossobject"},
		"github.com/aliyun/aliyun-tablestore-go-sdk":   {"store/otsstore"},
		"github.com/aliyun/fc-runtime-go-sdk":          {"faas"},
		"golang.org/x/sync/errgroup":                   {"engine/sweeper"},
		"golang.org/x/sync/semaphore":                  {"inflight"},
		"golang.org/x/time/rate":                       {"rpc/server", "console"},
		"github.com/hashicorp/golang-lru/v2":           {"engine", "store"},
		"golang.org/x/sys":                             {"store/pebblestore", "task/functiontask"},
		"golang.org/x/text/encoding":                   {"charset"},
		"github.com/spf13/cobra":                       {"cli", "cmd/manpages"},
		"github.com/spf13/pflag":                       {"cli", "cmd/manpages"},
	}
	for _, p := range packages(t) {
		for _, i := range p.Imports {
			if !strings.Contains(strings.SplitN(i, "/", 2)[0], ".") {
				continue
			}
			ok := false
			for module, names := range allowed {
				if i == module || strings.HasPrefix(i, module+"/") {
					for _, n := range names {
						ok = ok || n == short(p.ImportPath)
					}
				}
			}
			if !ok {
				t.Errorf("%s imports %s", short(p.ImportPath), i)
			}
		}
	}
}
