package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed policies/*.json
var policyFiles embed.FS

// roles are the functions that have a role of their own, with a policy of the same name.
var roles = []string{"api", "steprunner", "starter", "sweeper"}

// policy is the document of a file in policies, for this account: ${name} is replaced, and a resource "${functions}" by
// those that flows may invoke.
func (c *config) policy(file string) (string, error) {
	text, err := policyFiles.ReadFile("policies/" + file + ".json")
	if err != nil {
		return "", err
	}
	names := []string{"region", c.region, "account", c.account, "prefix", c.prefix, "instance", c.instance, "table", c.table,
		"queue", c.prefix, "letters", c.prefix + "-dead-letters", "eventLetters", c.prefix + "-event-dead-letters",
		"project", c.project, "logstore", logstore}
	pairs := []string{`"${functions}"`, strings.Join(c.functionResources(), ", ")}
	for i := 0; i < len(names); i += 2 {
		pairs = append(pairs, "${"+names[i]+"}", names[i+1])
	}
	done := strings.NewReplacer(pairs...).Replace(string(text))
	if strings.Contains(done, "${") || !json.Valid([]byte(done)) {
		return "", fmt.Errorf("policies/%s.json names what is not known", file)
	}
	return compactJSON(done), nil
}

// functionResources are the functions that flows may invoke, with their versions and aliases, as JSON texts.
func (c *config) functionResources() (all []string) {
	for _, f := range c.functions {
		if !strings.HasPrefix(f, "acs:") {
			f = "acs:fc:" + c.region + ":" + c.account + ":functions/" + f
		}
		for _, form := range qualified(f) {
			text, _ := json.Marshal(form)
			all = append(all, string(text))
		}
	}
	return all
}

// qualified is a function's resource name, and, unless it names a version or alias, or all functions that start so, the
// one of its versions and aliases. Functions of services have the qualifier behind the service: there even the newest code
// is asked for by one.
func qualified(f string) []string {
	if before, rest, ok := strings.Cut(f, ":services/"); ok {
		if service, function, _ := strings.Cut(rest, "/"); !strings.Contains(service, ".") {
			return []string{f, before + ":services/" + service + ".*/" + function}
		}
		return []string{f}
	}
	if !strings.HasSuffix(f, "*") && strings.Count(f, "/") == 1 {
		return []string{f, f + "/*"}
	}
	return []string{f}
}

// compactJSON is a JSON text in one form, so that two can be compared.
func compactJSON(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	out, _ := json.Marshal(v)
	return string(out)
}
