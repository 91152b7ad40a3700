package cli

import (
	"context"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/flow"
)

// completionTimeout is how long the shell waits for the names of flows and executions.
const completionTimeout = 2 * time.Second

// completionMax is the number of names that the shell is offered at most: one page of the API.
const completionMax = 99

var shells = []string{"bash", "zsh", "fish", "powershell"}

func completionCommand() *command {
	return &command{
		name: "completion", args: "SHELL", argsMin: 1, argsMax: 1,
		short: "Print a script that completes commands in a shell",
		long: "SHELL is bash, zsh, fish or powershell. The script completes commands, flags, " +
			"their values, and the\n" +
			"names of flows and executions, which it asks the server of $MILLRACE_ENDPOINT or " +
			"--endpoint for.",
		examples: "# bash, with its package bash-completion: now, and for every new shell\n" +
			"source <(millrace completion bash)\n" +
			"millrace completion bash > /etc/bash_completion.d/millrace\n" +
			"# zsh\n" +
			"millrace completion zsh > \"${fpath[1]}/_millrace\"\n" +
			"# fish\n" +
			"millrace completion fish > ~/.config/fish/completions/millrace.fish\n" +
			"# PowerShell: in the file that $PROFILE names\n" +
			"millrace completion powershell | Out-String | Invoke-Expression",
		define: func(*pflag.FlagSet) func(*invocation) error { return (*invocation).completion },
	}
}

// completion prints the script for a shell.
func (c *invocation) completion() error {
	root := c.tree()
	switch c.args[0] {
	case "bash":
		return root.GenBashCompletionV2(c.Stdout, true)
	case "zsh":
		return root.GenZshCompletion(c.Stdout)
	case "fish":
		return root.GenFishCompletion(c.Stdout, true)
	case "powershell":
		return root.GenPowerShellCompletionWithDesc(c.Stdout)
	}
	return c.wrong(oneOf("SHELL", c.args[0], shells))
}

// completeArguments returns the function that completes the arguments of a command, by their names
// in its usage. Files are left to the shell.
func (c *invocation) completeArguments(cmd *command) cobra.CompletionFunc {
	return func(
		_ *cobra.Command, args []string, typed string,
	) ([]string, cobra.ShellCompDirective) {
		switch name := cmd.placeholder(len(args)); {
		case strings.HasPrefix(name, "FILE"):
			return nil, cobra.ShellCompDirectiveDefault
		case name == "FLOW|FILE":
			return c.flowNames(typed), cobra.ShellCompDirectiveDefault
		case name == "SHELL":
			return shells, cobra.ShellCompDirectiveNoFileComp
		case name == "FLOW", name == "NAME" && cmd.name != "flow create":
			return c.flowNames(typed), cobra.ShellCompDirectiveNoFileComp
		case name == "EXECUTION":
			return c.executionNames(args[0], typed), cobra.ShellCompDirectiveNoFileComp
		case name == "SCHEDULE" && cmd.name != "schedule create":
			return c.scheduleNames(args[0], typed), cobra.ShellCompDirectiveNoFileComp
		}
		return nil, cobra.ShellCompDirectiveNoFileComp
	}
}

// placeholder returns the name of the i-th argument in the usage; "" if there is none.
func (cmd *command) placeholder(i int) string {
	words := strings.Fields(cmd.args)
	if i >= len(words) {
		if cmd.argsMax >= 0 || len(words) == 0 {
			return ""
		}
		i = len(words) - 1
	}
	return strings.Trim(words[i], "[]…")
}

// flowNames returns the flows whose names begin with typed. It returns none if no server answers:
// completion must not disturb what the user types.
func (c *invocation) flowNames(typed string) (names []string) {
	api, err := c.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, completionTimeout)
	defer cancel()
	limit := int64(999)
	got, err := api.ListFlows(ctx, cloudflow.ListFlowsRequest{Limit: &limit})
	if err != nil {
		return nil
	}
	for _, f := range got.Flows {
		names = append(names, f.Name)
	}
	return completions(names, typed)
}

// executionNames returns the newest executions whose names begin with typed.
func (c *invocation) executionNames(flowName, typed string) (names []string) {
	api, err := c.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, completionTimeout)
	defer cancel()
	limit, brief := int64(completionMax), true
	got, err := api.ListExecutions(ctx, cloudflow.ListExecutionsRequest{FlowName: flowName,
		ExecutionNamePrefix: typed, Limit: &limit, MetadataOnly: &brief})
	if err != nil {
		return nil
	}
	for _, e := range got.Executions {
		names = append(names, e.Name)
	}
	return completions(names, typed)
}

// scheduleNames returns the schedules of a flow whose names begin with typed.
func (c *invocation) scheduleNames(flowName, typed string) (names []string) {
	api, err := c.connect()
	if err != nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(c.ctx, completionTimeout)
	defer cancel()
	limit := int64(1000)
	got, err := api.ListSchedules(ctx,
		cloudflow.ListOfFlowRequest{FlowName: flowName, Limit: &limit})
	if err != nil {
		return nil
	}
	for _, s := range got.Schedules {
		names = append(names, s.ScheduleName)
	}
	return completions(names, typed)
}

// completions returns the names that begin with typed. It leaves out names that a terminal would
// interpret.
func completions(names []string, typed string) []string {
	names = slices.DeleteFunc(names, func(name string) bool {
		return !strings.HasPrefix(name, typed) || visible(name) != name
	})
	return names[:min(len(names), completionMax)]
}

// flagValues are the values of flags that have few.
var flagValues = map[string][]string{
	"output": {"table", "json", "data"}, "signature": {"v1", "v3", "none"},
	"mode":   {flow.Standard, flow.Express},
	"format": {"svg", "mermaid", "dot"},
	"status": {"Starting", "Running", "Stopped", "Succeeded", "Failed", "TimedOut"},
}

// completeFlags completes the values of a command's flags. Of the others only those that name a
// file are left to the shell.
func completeFlags(cc *cobra.Command) {
	cc.Flags().VisitAll(func(f *pflag.Flag) {
		placeholder, usage := pflag.UnquoteUsage(f)
		values, directive := flagValues[f.Name], cobra.ShellCompDirectiveNoFileComp
		if placeholder == "FILE" || placeholder == "FOLDER" || strings.Contains(usage, "@FILE") {
			directive = cobra.ShellCompDirectiveDefault
		}
		// An error would mean that the flag is registered twice, which it is not.
		_ = cc.RegisterFlagCompletionFunc(f.Name, cobra.FixedCompletions(values, directive))
	})
}

// completeCommands completes the names of commands, for `help`.
func completeCommands(root *cobra.Command) cobra.CompletionFunc {
	return func(
		_ *cobra.Command, args []string, typed string,
	) ([]string, cobra.ShellCompDirective) {
		var names []string
		if cc, rest := descend(root, args); len(rest) == 0 {
			for _, next := range cc.Commands() {
				if !next.Hidden && strings.HasPrefix(next.Name(), typed) {
					names = append(names, next.Name()+"\t"+next.Short)
				}
			}
		}
		return names, cobra.ShellCompDirectiveNoFileComp
	}
}
