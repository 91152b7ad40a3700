package cli

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

func flowApplyCommand() *command {
	return &command{
		name: "flow apply", args: "[NAME] FILE|FOLDER",
		short:  "Create a flow, or update it when it exists",
		server: true, argsMin: 1, argsMax: 2,
		long: "Running it again changes nothing: a flow that already is what was asked for is " +
			"left alone. Without NAME\n" +
			"the definition's own name is taken, or that of the file. Of a FOLDER all .yaml and " +
			".yml files that look like\n" +
			"a definition are applied; the command stops at the first one that is rejected.",
		examples: "# from a deployment script\n" +
			"millrace flow apply orders orders.yaml\n" +
			"# the name is in the file; all flows of a project\n" +
			"millrace flow apply orders.yaml\n" +
			"millrace flow apply flows/\n" +
			"# and make it a version\n" +
			"millrace flow apply orders.yaml --publish\n" +
			"# from the standard input\n" +
			"render orders.tmpl | millrace flow apply orders -",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &flowFlags{}
			o.define(f, true)
			f.BoolVar(&o.publish, "publish", false,
				"then publish a version, unless the newest one is the same")
			return withClient(o.apply)
		},
	}
}

// applied is a flow that is to be applied, and the file that it comes from.
type applied struct{ name, file, definition string }

func (o *flowFlags) apply(c *invocation, api *client.Client) error {
	list, err := o.definitions(c)
	if err != nil {
		return err
	}
	for _, a := range list {
		if err := o.applyOne(c, api, a); err != nil {
			return err
		}
		if o.publish {
			if err := c.publishApplied(api, a.name); err != nil {
				return err
			}
		}
	}
	return nil
}

// definitions returns the flows that the arguments name.
func (o *flowFlags) definitions(c *invocation) ([]applied, error) {
	path := c.args[len(c.args)-1]
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		if len(c.args) == 2 {
			return nil, c.wrong(fmt.Errorf("a NAME goes with one file, and %s is a folder", path))
		}
		return o.ofFolder(c, path)
	}
	text, err := c.definition(o, path)
	if err != nil {
		return nil, err
	}
	a := applied{c.args[0], path, text}
	if len(c.args) == 1 {
		if a.name = nameOf(path, text); a.name == "" {
			return nil, c.wrong(fmt.Errorf("the definition of %s has no name: give one, "+
				"`millrace flow apply NAME %[1]s`", path))
		}
	}
	return []applied{a}, nil
}

func (o *flowFlags) ofFolder(c *invocation, folder string) (list []applied, err error) {
	found, err := files([]string{folder}, isDefinition)
	if err != nil {
		return nil, err
	}
	files := map[string]string{} // by the flow's name
	for _, file := range found {
		text, err := c.definition(o, file.path)
		if err != nil {
			return nil, err
		}
		if !looksLikeDefinition([]byte(text)) {
			continue
		}
		a := applied{nameOf(file.path, text), file.path, text}
		if other, twice := files[a.name]; twice {
			return nil, usagef("%s and %s are both of flow %s", other, a.file, a.name)
		}
		files[a.name] = a.file
		list = append(list, a)
	}
	if list == nil {
		return nil, usagef("no definition found in %s", folder)
	}
	return list, nil
}

// topName matches the name of a definition at its top level.
var topName = regexp.MustCompile(`(?m)^["']?[Nn]ame["']?[ \t]*:[ \t]*["']?([\w-]+)`)

// nameOf returns the name of a definition: its own, or its file's; "" if neither has one.
func nameOf(path, text string) string {
	if m, _ := fdl.Parse([]byte(text), fdl.Options{}); m != nil && m.Name != "" {
		return m.Name
	}
	if m := topName.FindStringSubmatch(text); m != nil {
		return m[1] // of a definition with errors, which the server rejects with its name
	}
	if path == "-" {
		return ""
	}
	base := filepath.Base(path)
	return strings.TrimSuffix(base, filepath.Ext(base))
}

func (o *flowFlags) applyOne(c *invocation, api *client.Client, a applied) error {
	name, text := a.name, a.definition
	old, err := retryThrottled(c, func() (*client.Flow, error) {
		return api.DescribeFlow(c.ctx, name)
	})
	if fault.CodeOf(err) == fault.FlowNotExists && !unreachable(err) {
		got, err := api.CreateFlow(c.ctx, o.create(name, text))
		if fault.CodeOf(err) != fault.FlowAlreadyExists {
			return c.written(got, err, "created", a, o.mode)
		}
		old, err = api.DescribeFlow(c.ctx, name) // another caller has just created it
		if err != nil {
			return err
		}
	} else if err != nil {
		return err
	}
	mode := old.ExecutionMode
	if mode == "" {
		mode = flow.Standard
	}
	if o.mode != "" && o.mode != mode {
		return failf("flow '%s' is %s, and its mode cannot be changed; delete it first, or give "+
			"the new one another name", name, mode)
	}
	r := o.update(c, name, &text)
	if same(old, r) {
		return c.written(old, nil, "unchanged", a, mode)
	}
	got, err := api.UpdateFlow(c.ctx, r)
	return c.written(got, err, "updated", a, mode)
}
