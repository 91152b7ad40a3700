package cli

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
	"millrace/shared/rpc/client"
)

func flowSearchKeysCommand() *command {
	return &command{
		name: "flow search-keys", args: "NAME [[KEY=]PATH…]",
		short: "Show or set the values by which `list --search` finds executions", server: true,
		argsMin: 1, argsMax: 1 + flow.SearchKeysMax,
		long: "PATH leads to a text, number or boolean of the input. Without KEY= the key is called " +
			"like the last member of the path.\n" +
			"The paths replace those that the flow has. Executions that have started keep theirs. " +
			"An extension of Millrace.",
		examples: "millrace flow search-keys orders '$Input.orderId' 'customer=$Input.customer.id'\n" +
			"# none any more\n" +
			"millrace flow search-keys orders --clear",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			clearAll := f.Bool("clear", false, "take all search keys away")
			return withClient(func(c *invocation, api *client.Client) error {
				return c.searchKeys(api, *clearAll)
			})
		},
	}
}

func (c *invocation) searchKeys(api *client.Client, clearAll bool) error {
	var got *client.Flow
	paths, err := searchPaths(c.args[1:])
	switch {
	case err != nil:
		return c.wrong(err)
	case clearAll && len(paths) > 0:
		return c.wrong(errors.New("--clear goes without paths"))
	case clearAll || len(paths) > 0:
		text, _ := json.Marshal(paths) // texts alone
		keys := string(text)
		got, err = api.UpdateFlow(c.ctx,
			cloudflow.UpdateFlowRequest{Name: c.args[0], SearchKeys: &keys})
	default:
		got, err = retryThrottled(c, func() (*client.Flow, error) {
			return api.DescribeFlow(c.ctx, c.args[0])
		})
	}
	if err != nil {
		return err
	}
	if got.SearchKeys == nil {
		got.SearchKeys = []flow.SearchPath{}
	}
	return c.show(struct{ SearchKeys []flow.SearchPath }{got.SearchKeys}, func(w io.Writer) {
		lines := [][]string{{"KEY", "PATH"}}
		for _, k := range got.SearchKeys {
			lines = append(lines, []string{k.Name, k.Path})
		}
		rows(w, lines)
	})
}

// searchPaths parses arguments like order=$Input.orderId, or paths alone.
func searchPaths(args []string) ([]flow.SearchPath, error) {
	paths := []flow.SearchPath{}
	for _, arg := range args {
		p := flow.SearchPath{Path: arg}
		if name, path, named := strings.Cut(arg, "=$"); named {
			p = flow.SearchPath{Name: name, Path: "$" + path}
		}
		steps, err := flow.SearchSteps(p.Path)
		if err != nil {
			return nil, fmt.Errorf("the path %q is wrong: %w", p.Path, err)
		}
		if last, ok := steps[len(steps)-1].(string); ok && p.Name == "" {
			p.Name = last
		}
		if !flow.ValidName(p.Name) {
			return nil, fmt.Errorf("%q needs a name: KEY=%s", arg, p.Path)
		}
		paths = append(paths, p)
	}
	return paths, nil
}
