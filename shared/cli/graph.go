package cli

import (
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/fdl"
	"millrace/shared/flow"
	"millrace/shared/graph"
	"millrace/shared/history"
	"millrace/shared/rpc/client"
)

// graphFlags are the flags of `graph`.
type graphFlags struct {
	execution, format, to string
}

func graphCommand() *command {
	return &command{
		name: "graph", args: "FLOW|FILE", short: "Draw a flow, with what an execution did in it",
		server: true, argsMin: 1, argsMax: 1,
		long: "A FILE is a definition, or - for the standard input; it needs no server. Anything " +
			"else is the name of a flow. With\n" +
			"--execution the drawing shows the definition that the execution runs, and the status " +
			"of each state.",
		examples: "millrace graph orders.yaml > orders.svg\n" +
			"# for a page on GitHub\n" +
			"millrace graph orders --format mermaid\n" +
			"# where an execution is\n" +
			"millrace graph orders --execution order-7 --to order-7.svg",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := &graphFlags{}
			f.StringVar(&o.execution, "execution", "", "show what the execution `NAME` did")
			f.StringVar(&o.format, "format", "svg", "`FORMAT` of the drawing: svg, mermaid or dot")
			f.StringVar(&o.to, "to", "", "write to `FILE` instead of the standard output")
			return o.graph
		},
	}
}

// drawings are the formats of drawings.
var drawings = map[string]func(*graph.Graph, io.Writer, graph.Options) error{
	"svg": (*graph.Graph).SVG, "mermaid": (*graph.Graph).Mermaid, "dot": (*graph.Graph).DOT,
}

func (o *graphFlags) graph(c *invocation) error {
	draw := drawings[o.format]
	if draw == nil {
		return c.wrong(fmt.Errorf("--format is svg, mermaid or dot, not %q", o.format))
	}
	text, options, err := o.source(c)
	if err != nil {
		return err
	}
	m, _ := fdl.Parse([]byte(text), fdl.Options{}) // Standard accepts all that Express does
	if m == nil {
		return errors.New("the definition has mistakes, so it cannot be drawn; `millrace validate` " +
			"shows them")
	}
	g, err := graph.New(m)
	if err != nil {
		return err
	}
	out, close := c.Stdout, func() error { return nil }
	if o.to != "" {
		file, err := os.Create(o.to)
		if err != nil {
			return err
		}
		out, close = file, file.Close
	}
	return errors.Join(draw(g, out, *options), close())
}

// source returns the text of the definition, and what the drawing shows beside it.
func (o *graphFlags) source(c *invocation) (string, *graph.Options, error) {
	name := c.args[0]
	if isFile(name) {
		if o.execution != "" {
			return "", nil, c.wrong(errors.New("--execution goes with the name of a flow, not " +
				"with a file"))
		}
		text, err := c.read(name)
		return string(text), &graph.Options{Title: name}, err
	}
	var text string
	options := &graph.Options{Title: name}
	err := withClient(func(c *invocation, api *client.Client) (err error) {
		if o.execution == "" {
			text, err = flowDefinition(c, api, name)
			return err
		}
		options.Title += " " + o.execution
		text, options.Run, err = runOf(c, api, name, o.execution)
		return err
	})(c)
	return text, options, err
}

// isFile reports whether an argument that may also be the name of a flow is a file.
func isFile(name string) bool {
	if name == "-" || !flow.ValidName(name) {
		return true
	}
	info, err := os.Stat(name)
	return err == nil && info.Mode().IsRegular()
}

func flowDefinition(c *invocation, api *client.Client, name string) (string, error) {
	got, err := retryThrottled(c, func() (*client.Flow, error) {
		return api.DescribeFlow(c.ctx, name)
	})
	if err != nil {
		return "", err
	}
	return got.Definition, nil
}

// runOf reads what an execution did, and the definition that it runs.
func runOf(
	c *invocation, api *client.Client, flowName, name string,
) (string, *graph.Run, error) {
	x, err := retryThrottled(c, func() (*client.Execution, error) {
		return api.DescribeExecution(c.ctx,
			cloudflow.DescribeExecutionRequest{FlowName: flowName, ExecutionName: name})
	})
	if err != nil {
		return "", nil, err
	}
	run := history.NewRun(x.FlowDefinition)
	w := c.newWatcher(api, flowName, name)
	w.onEvent = func(e *client.Event, _ *history.Place) { run.Add(e) }
	_, err = retryThrottled(c, func() (bool, error) { return w.readEvents(c.ctx) })
	return x.FlowDefinition, run.States, err
}
