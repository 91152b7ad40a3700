package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// helpCommand returns `help`, which shows the help of the command or the group that its arguments
// name.
func (c *invocation) helpCommand(root *cobra.Command) *cobra.Command {
	return &cobra.Command{
		Use: "help [COMMAND]", Short: "Show the help of a command", Hidden: true,
		DisableFlagParsing: true, // `help start --help` is `help start`
		ValidArgsFunction:  completeCommands(root),
		RunE: func(_ *cobra.Command, words []string) error {
			words = slices.DeleteFunc(words, isHelp)
			cc, rest := descend(root, words)
			if cc.HasSubCommands() && len(rest) > 0 {
				return c.unknown(words)
			}
			return cc.Help()
		},
	}
}

// descend returns the command that words begin with, and the words after its name.
func descend(root *cobra.Command, words []string) (*cobra.Command, []string) {
	for len(words) > 0 {
		next := child(root, words[0])
		if next == nil {
			break
		}
		root, words = next, words[1:]
	}
	return root, words
}

// groupHelp prints the commands of a group.
func (c *invocation) groupHelp(cc *cobra.Command, _ []string) {
	group := ""
	for _, cmd := range commands() {
		if first, _ := cmd.split(); first == cc.Name() {
			group += row(strings.TrimSpace(cmd.name+" "+cmd.args), cmd.short)
		}
	}
	fmt.Fprintf(c.Stdout, "Usage:\n%s\n`millrace help %s COMMAND` says more.\n", group, cc.Name())
}

// groupShort says what the commands of a group do.
func groupShort(name string) string {
	return map[string]string{
		"flow":     "Create, change, show and delete flows",
		"bulk":     "Act on many executions",
		"schedule": "Create, change, show and delete schedules",
		"report":   "Report the result of a task",
	}[name]
}

// groups are the headings of the overview, with the first words of their commands.
var groups = []struct{ title, commands string }{
	{"Without a server", " serve validate test rights completion version "},
	{"Flows", " flow graph "},
	{"Schedules", " schedule "},
	{"Executions", " start describe history list failures why stop redrive execution prune bulk " +
		"report "},
	{"In a browser", " console "},
}

// overview returns the help of the whole program.
func overview() string {
	var b strings.Builder
	b.WriteString("millrace runs flows: it serves the CloudFlow API, and calls it, " +
		"here or at Alibaba Cloud.\n\n" +
		"Usage: millrace COMMAND [arguments and flags, in any order]\n")
	for _, g := range groups {
		fmt.Fprintf(&b, "\n%s:\n", g.title)
		for _, cmd := range commands() {
			head, _, _ := strings.Cut(cmd.name, " ")
			if strings.Contains(g.commands, " "+head+" ") {
				b.WriteString(row(strings.TrimSpace(cmd.name+" "+cmd.args), cmd.short))
			}
		}
	}
	b.WriteString("\nExamples:\n" + indented(overviewExamples) + "\n\n" + overviewTables + "\n" +
		"`millrace help COMMAND` or `millrace COMMAND --help` says more, with examples.\n")
	return b.String()
}

const overviewExamples = `# a server on this machine, without account or set-up; in another ` +
	`terminal: define a flow, run it
millrace serve
millrace flow apply orders orders.yaml
millrace start orders --input '{"id": 7}' --wait`

const overviewTables = `Environment:
  MILLRACE_ENDPOINT                  where the API is; --endpoint
  ALIBABA_CLOUD_ACCESS_KEY_ID        who calls; --access-key-id
  ALIBABA_CLOUD_ACCESS_KEY_SECRET    --access-key-secret
  ALIBABA_CLOUD_SECURITY_TOKEN       of temporary credentials; --security-token
  ALIBABA_CLOUD_BEARER_TOKEN         instead of a key; --bearer-token
  ALIBABA_CLOUD_REGION_ID            --region

Exit codes:
  0    done
  1    the execution did not succeed, cases differ, a definition has errors, serve could not start
  2    wrong arguments, or a file that cannot be read
  3    no response from a server
  4    --timeout passed before the execution ended; it goes on
  5    the server rejected the request
  130  interrupted
`

// indented returns lines, each two blanks to the right.
func indented(lines string) string {
	return "  " + strings.ReplaceAll(lines, "\n", "\n  ")
}

func row(left, right string) string {
	const column = 36
	if len(left) > column-2 {
		return fmt.Sprintf("  %s\n  %-*s%s\n", left, column, "", right)
	}
	return fmt.Sprintf("  %-*s%s\n", column, left, right)
}

// help returns the help of a command whose flags are in f.
func (cmd *command) help(f *pflag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\nUsage: millrace %s\n",
		cmd.short, strings.TrimSpace(cmd.name+" "+cmd.args)+" [flags]")
	if cmd.long != "" {
		fmt.Fprintf(&b, "\n%s\n", cmd.long)
	}
	b.WriteString("\nExamples:\n" + indented(cmd.examples))
	own, client := "", ""
	f.VisitAll(func(fl *pflag.Flag) {
		if fl.Hidden || fl.Name == "help" {
			return
		}
		if clientFlagNames[fl.Name] && fl.Name != "output" {
			client += flagRow(fl, "")
		} else {
			own += flagRow(fl, fl.DefValue)
		}
	})
	if own != "" {
		fmt.Fprintf(&b, "\n\nFlags:\n%s", own)
	}
	if client != "" {
		fmt.Fprintf(&b, "\nFlags of every command that calls a server:\n%s", client)
	}
	return strings.TrimRight(b.String(), "\n") + "\n"
}

// flagRow returns the help of a flag: the backquoted word of its usage is the placeholder of its
// value. The client's flags show no default, because it may be a secret that precedes the command's
// name.
func flagRow(fl *pflag.Flag, defaultValue string) string {
	placeholder, usage := pflag.UnquoteUsage(fl)
	if placeholder != "" && defaultValue != "" && defaultValue != "0s" {
		usage += " (default " + defaultValue + ")"
	}
	short := "    "
	if fl.Shorthand != "" {
		short = "-" + fl.Shorthand + ", "
	}
	return row(strings.TrimRight(short+"--"+fl.Name+" "+placeholder, " "), usage)
}
