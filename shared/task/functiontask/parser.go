package functiontask

import (
	"encoding/json"
	"net/url"
	"path/filepath"
	"strings"
	"time"

	"millrace/shared/task"
	"millrace/shared/yamldoc/strict"
)

// The members of a functions file (docs/functions.md).
type (
	document struct {
		Functions []fileFunction `json:"functions" strict:"null"`
		Actions   []fileEntry    `json:"actions" strict:"null"`
		Objects   []fileBucket   `json:"objects" strict:"null"`
	}
	fileBucket struct {
		Bucket string `json:"bucket" strict:"required"`
		Dir    string `json:"dir" strict:"required"`
	}
	fileEntry struct {
		Match   string          `json:"match" strict:"required"`
		HTTP    string          `json:"http"`
		Reply   json.RawMessage `json:"reply"`
		Error   *fileFailure    `json:"error"`
		Timeout float64         `json:"timeout"` // seconds
	}
	fileFunction struct {
		fileEntry
		Command     []string          `json:"command" strict:"null"`
		Dir         string            `json:"dir"`
		Env         map[string]string `json:"env"`
		Inherit     []string          `json:"inherit" strict:"null"`
		User        string            `json:"user"`
		Concurrency int               `json:"concurrency"`
		Lambda      string            `json:"lambda"`
		FC          string            `json:"fc"`
	}
	fileFailure struct {
		Name  string `json:"name" strict:"required"`
		Cause string `json:"cause"`
	}
)

// checker reports what is wrong with entries beyond the kinds of their members.
type checker struct {
	cloud bool // the file is for functions in a cloud
}

func (c checker) check(at strict.Place, v any) {
	switch v := v.(type) {
	case *fileFunction:
		if at.Has("lambda") || at.Has("fc") {
			v.checkCloud(at, c.cloud)
			return
		}
		if c.cloud && at.Has("command") {
			at.Key("command").Failf("this is a command, and a cloud function starts none; give " +
				"the function `lambda:`, `fc:` or `http:`")
			return
		}
		v.fileEntry.check(at, at.Has("command"))
		v.check(at)
	case *fileEntry:
		v.check(at, false)
	case *fileBucket:
		v.check(at, c.cloud)
	case *fileFailure:
		if v.Name == "" {
			at.Failf("the error has no name")
		}
	}
}

// check checks that an entry has a pattern and exactly one kind of response.
func (e *fileEntry) check(at strict.Place, command bool) {
	if at.Has("match") && e.Match == "" {
		at.Member("match").Failf("match must not be empty")
	}
	count := 0
	for _, has := range []bool{at.Has("http"), at.Has("reply"), at.Has("error"), command} {
		if has {
			count++
		}
	}
	if count != 1 {
		at.Failf("exactly one of http, command (functions only), reply and error is wanted")
	}
	u, err := url.Parse(e.HTTP)
	if at.Has("http") &&
		(err != nil || (u.Scheme != "http" && u.Scheme != "https") || u.Hostname() == "") {
		at.Member("http").Failf("http must be an absolute http or https address")
	}
	if at.Has("timeout") && !(e.Timeout > 0 && e.Timeout <= timeoutMax) {
		at.Member("timeout").Failf("timeout must be above 0, and at most %d seconds", timeoutMax)
	}
}

// checkCloud checks a function that a function of a cloud carries out.
func (f *fileFunction) checkCloud(at strict.Place, cloud bool) {
	name, text := "lambda", f.Lambda
	if at.Has("fc") {
		name, text = "fc", f.FC
	}
	switch {
	case !cloud:
		at.Key(name).Failf("%s is for functions in a cloud; give the function http, command, "+
			"reply or error", name)
	case text == "":
		at.Member(name).Failf("%s must not be empty", name)
	case f.Match == "":
		at.Failf("match is missing")
	case at.Len() != 2:
		at.Failf("a function with `%s:` has `match:` and nothing else", name)
	}
}

// check checks the members that only commands have.
func (f *fileFunction) check(at strict.Place) {
	if !at.Has("command") {
		for _, name := range []string{"dir", "env", "inherit", "user", "concurrency"} {
			if at.Has(name) {
				at.Key(name).Failf("%s belongs to a command", name)
			}
		}
		return
	}
	if len(f.Command) == 0 || f.Command[0] == "" {
		at.Member("command").Failf("command names no program")
	}
	for name := range f.Env {
		if !isVariable(name) {
			at.Member("env").Key(name).Failf("%q is no name of a variable", name)
		}
	}
	for _, name := range f.Inherit {
		if !isVariable(name) {
			at.Member("inherit").Failf("%q is no name of a variable", name)
		}
	}
	if at.Has("user") && f.User == "" {
		at.Member("user").Failf("user must be the name of a user, or uid:gid")
	} else if f.User != "" {
		if _, err := identityOf(f.User); err != nil {
			at.Member("user").Failf("%v", err)
		}
	}
	if at.Has("concurrency") && (f.Concurrency < 1 || f.Concurrency > concurrencyMax) {
		at.Member("concurrency").Failf("concurrency must be from 1 to %d", concurrencyMax)
	}
}

// check checks that a bucket has a name and a directory.
func (b *fileBucket) check(at strict.Place, cloud bool) {
	switch {
	case cloud:
		at.Failf("a function in a cloud has no directories: the buckets are those of the cloud")
	case at.Has("bucket") && (b.Bucket == "" || strings.ContainsRune(b.Bucket, '/')):
		at.Member("bucket").Failf("bucket must be a name without a slash")
	case at.Has("dir") && b.Dir == "":
		at.Member("dir").Failf("dir must not be empty")
	}
}

// isVariable reports whether a text can be the name of an environment variable.
func isVariable(name string) bool { return name != "" && !strings.ContainsAny(name, "=\x00") }

// file returns the content of a document without mistakes. dir is the directory that relative
// directories are relative to.
func (d *document) file(dir string) *File {
	file := &File{}
	for i := range d.Functions {
		from := &d.Functions[i]
		f := Function{Mapping: from.mapping(), Command: from.Command, Env: from.Env,
			Inherit: from.Inherit, User: from.User, Concurrency: from.Concurrency,
			Lambda: from.Lambda, FC: from.FC}
		if len(f.Command) > 0 {
			if f.Dir = from.Dir; !filepath.IsAbs(from.Dir) {
				f.Dir = filepath.Join(dir, from.Dir)
			}
		}
		file.Functions = append(file.Functions, f)
	}
	for i := range d.Actions {
		file.Actions = append(file.Actions, d.Actions[i].mapping())
	}
	for _, b := range d.Objects {
		if !filepath.IsAbs(b.Dir) {
			b.Dir = filepath.Join(dir, b.Dir)
		}
		file.Buckets = append(file.Buckets, Bucket(b))
	}
	return file
}

func (e *fileEntry) mapping() task.Mapping {
	m := task.Mapping{Match: e.Match, HTTP: e.HTTP, Reply: e.Reply,
		Timeout: time.Duration(e.Timeout * float64(time.Second))}
	if e.Error != nil {
		m.Error = task.NewError(e.Error.Name, e.Error.Cause)
	}
	return m
}
