package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
	"millrace/shared/yamldoc"
)

// flowFlags are the properties of a flow besides its definition.
type flowFlags struct {
	description, role, mode, storage string
	variables                        variables
	hidden                           []string
	publish                          bool // of `flow apply`
}

// variables are the values of --env.
type variables []flow.Variable

// String implements pflag.Value.
func (v *variables) String() string { return "" }

// Type implements pflag.Value.
func (v *variables) Type() string { return "NAME=VALUE" }

// Set adds NAME=VALUE.
func (v *variables) Set(s string) error {
	name, value, ok := strings.Cut(s, "=")
	if !ok || name == "" {
		return errors.New("it is NAME=VALUE")
	}
	*v = append(*v, flow.Variable{Name: name, Value: value})
	return nil
}

// wire returns the variables in the format of the API; "" if there are none.
func (v variables) wire() string {
	if len(v) == 0 {
		return ""
	}
	b, _ := json.Marshal(client.Environment{Variables: v})
	return string(b)
}

func (o *flowFlags) define(f *pflag.FlagSet, create bool) {
	f.StringVar(&o.description, "description", "", "`TEXT` for people")
	f.StringVar(&o.role, "role", "", "`ARN` of the RAM role that its executions assume")
	f.StringVar(&o.storage, "external-storage", "", "`LOCATION` for external data")
	f.Var(&o.variables, "env", "`NAME=VALUE` of the environment; repeat it for more")
	f.StringSliceVar(&o.hidden, "hide", nil, "`PATH` like customer.card, which only the key that "+
		"starts an execution sees; repeat it for more, empty: none")
	if create {
		f.StringVar(&o.mode, "mode", "",
			"`MODE` Standard (when not given) or Express; it cannot be changed later")
	}
}

func (o *flowFlags) check() error {
	if o.mode != "" && o.mode != flow.Standard && o.mode != flow.Express {
		return usageError{oneOf("--mode", o.mode, flagValues["mode"])}
	}
	return nil
}

func (o *flowFlags) create(name, definition string) cloudflow.CreateFlowRequest {
	return cloudflow.CreateFlowRequest{
		Name: name, Definition: definition, Description: o.description, Type: "FDL",
		RoleArn: o.role, ExecutionMode: o.mode, ExternalStorageLocation: o.storage,
		Environment: o.variables.wire(), HiddenPaths: pathsText(o.hidden),
	}
}

// pathsText returns hidden paths in the format of the API; "" if there are none.
func pathsText(paths []string) string {
	paths = slices.DeleteFunc(slices.Clone(paths), func(path string) bool { return path == "" })
	if len(paths) == 0 {
		return ""
	}
	b, _ := json.Marshal(paths)
	return string(b)
}

// update returns a request that changes the properties whose flags are set. If definition is nil,
// the definition stays.
func (o *flowFlags) update(
	c *invocation, name string, definition *string,
) cloudflow.UpdateFlowRequest {
	r := cloudflow.UpdateFlowRequest{Name: name, Definition: definition}
	environment, hidden := o.variables.wire(), pathsText(o.hidden)
	for _, f := range [...]struct {
		flag  string
		value *string
		to    **string
	}{
		{"description", &o.description, &r.Description}, {"role", &o.role, &r.RoleArn},
		{"external-storage", &o.storage, &r.ExternalStorageLocation},
		{"env", &environment, &r.Environment}, {"hide", &hidden, &r.HiddenPaths},
	} {
		if c.given[f.flag] {
			*f.to = f.value
		}
	}
	return r
}

func flowCreateCommand() *command {
	return &command{
		name: "flow create", args: "NAME FILE", short: "Create a flow from a definition",
		server: true, argsMin: 2, argsMax: 2,
		long: "FILE is the definition in either language; - reads it from the standard input. " +
			"Warnings are\n" +
			"shown. If the server rejects the definition, each error is shown with its line.",
		examples: "# a flow of durable executions\n" +
			"millrace flow create orders orders.yaml --description \"takes orders\"\n" +
			"# one whose executions run in memory and respond at once\n" +
			"millrace flow create quote quote.yaml --mode Express",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &flowFlags{}
			o.define(f, true)
			return withClient(func(c *invocation, api *client.Client) error {
				text, err := c.definition(o, c.args[1])
				if err != nil {
					return err
				}
				got, err := api.CreateFlow(c.ctx, o.create(c.args[0], text))
				return c.written(got, err, "created", applied{c.args[0], c.args[1], text}, o.mode)
			})
		},
	}
}

func flowUpdateCommand() *command {
	return &command{
		name: "flow update", args: "NAME [FILE]", short: "Change a flow", server: true, argsMin: 1,
		argsMax: 2,
		long: "The command changes only what it is given. Running executions keep the " +
			"definition that they started with.",
		examples: "# a new definition\n" +
			"millrace flow update orders orders.yaml\n" +
			"# only the description\n" +
			"millrace flow update orders --description \"takes orders and returns\"",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &flowFlags{}
			o.define(f, false)
			return withClient(func(c *invocation, api *client.Client) error {
				var definition *string
				text := ""
				if len(c.args) == 2 {
					var err error
					if text, err = c.definition(o, c.args[1]); err != nil {
						return err
					}
					definition = &text
				}
				r := o.update(c, c.args[0], definition)
				if r == (cloudflow.UpdateFlowRequest{Name: r.Name}) {
					return c.wrong(errors.New("nothing to change: give a FILE or a flag"))
				}
				got, err := api.UpdateFlow(c.ctx, r)
				a := applied{name: c.args[0], definition: text}
				if text != "" {
					a.file = c.args[1]
				}
				return c.written(got, err, "updated", a, "")
			})
		},
	}
}

// same reports whether a flow already has all that an update would set.
func same(old *client.Flow, r cloudflow.UpdateFlowRequest) bool {
	environment := ""
	if old.Environment != nil {
		environment = variables(old.Environment.Variables).wire()
	}
	for _, f := range [...]struct {
		is   string
		want *string
	}{
		{old.Definition, r.Definition}, {old.Description, r.Description}, {old.RoleArn, r.RoleArn},
		{old.ExternalStorageLocation, r.ExternalStorageLocation}, {environment, r.Environment},
		{pathsText(old.HiddenPaths), r.HiddenPaths},
	} {
		if f.want != nil && *f.want != f.is {
			return false
		}
	}
	return true
}

// definition reads the definition file and checks the flags.
func (c *invocation) definition(o *flowFlags, file string) (string, error) {
	if err := o.check(); err != nil {
		return "", err
	}
	b, err := c.read(file)
	return string(b), err
}

// written shows the flow that was written and the warnings about its definition. If the server
// rejected the definition, it first shows all of its errors, because the server reports only the
// first one.
func (c *invocation) written(f *client.Flow, err error, what string, a applied, mode string) error {
	if a.definition != "" && !c.forPrograms() &&
		(err == nil || fault.CodeOf(err) == fault.InvalidArgument) {
		text := []byte(a.definition)
		_, all := fdl.Parse(text, fdl.Options{Name: a.name, Mode: mode})
		for _, d := range all {
			if err != nil || d.Severity == yamldoc.Warning {
				fmt.Fprintf(c.Stderr, "%s:%s", visible(a.file), d.Render(text))
			}
		}
	}
	if err != nil {
		return err
	}
	return c.show(f, func(w io.Writer) { fmt.Fprintf(w, "flow %s %s\n", visible(f.Name), what) })
}
