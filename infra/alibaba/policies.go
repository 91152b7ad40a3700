package main

import (
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed policies/*.json
var policyFiles embed.FS

// roles are the functions with a role of their own and a policy of the same name.
var roles = []string{"api", "steprunner", "starter", "sweeper"}

// policy returns the document of a file in policies for this account. It replaces ${name}, and the
// resource "${functions}" by the functions that flows may invoke.
func (c *config) policy(file string) (string, error) {
	text, err := policyFiles.ReadFile("policies/" + file + ".json")
	if err != nil {
		return "", err
	}
	names := []string{"region", c.region, "account", c.account, "prefix", c.prefix, "instance",
		c.instance, "table", c.table,
		"queue", c.prefix, "letters", c.prefix + "-dead-letters", "eventLetters",
		c.prefix + "-event-dead-letters",
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

// functionResources returns the functions that flows may invoke, with their versions and aliases,
// as JSON texts.
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

// qualified returns a function's resource name and that of its versions and aliases. It returns
// only the former if the name has a version or alias already, or ends with "*". For functions of a
// service the qualifier follows the service, and even a call of the latest code has one.
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

// compactJSON returns a JSON text in a normal form, for comparisons.
func compactJSON(text string) string {
	var v any
	if json.Unmarshal([]byte(text), &v) != nil {
		return text
	}
	out, _ := json.Marshal(v)
	return string(out)
}
