package cli

import (
	"flag"
	"fmt"
	"strings"
)

// help prints the overview, or the help of the command or the group (like `flow`) that words name.
func (c *invocation) help(words []string) error {
	if len(words) == 0 {
		fmt.Fprint(c.Stdout, overview())
		return nil
	}
	if cmd, _ := find(words); cmd != nil {
		c.command = cmd
		f, _ := c.flags(cmd)
		fmt.Fprint(c.Stdout, cmd.help(f))
		return nil
	}
	group := ""
	for _, cmd := range commands() {
		if len(words) == 1 && strings.HasPrefix(cmd.name, words[0]+" ") {
			group += row(cmd.name+" "+cmd.args, cmd.short)
		}
	}
	if group == "" {
		return c.unknown(words)
	}
	fmt.Fprintf(c.Stdout, "Usage:\n%s\n`millrace help %s COMMAND` says more.\n", group, words[0])
	return nil
}

// groups are the headings of the overview, with the first words of their commands.
var groups = []struct{ title, commands string }{
	{"Without a server", " serve validate test rights version "},
	{"Flows", " flow "},
	{"Executions", " start describe history list stop report "},
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
	b.WriteString(`
Examples:
  # a server on this machine, without account or set-up; in another terminal: define a flow, run it
  millrace serve
  millrace flow apply orders orders.yaml
  millrace start orders --input '{"id": 7}' --wait

Environment:
  MILLRACE_ENDPOINT                  where the API is; --endpoint
  ALIBABA_CLOUD_ACCESS_KEY_ID        who calls; --access-key-id
  ALIBABA_CLOUD_ACCESS_KEY_SECRET    --access-key-secret
  ALIBABA_CLOUD_SECURITY_TOKEN       of temporary credentials; --security-token
  ALIBABA_CLOUD_BEARER_TOKEN         instead of a key; --bearer-token
  ALIBABA_CLOUD_REGION_ID            --region

Exit codes:
  0    done
  1    the server rejected the request, the execution did not succeed, cases differ, ` +
		`a definition has errors, serve could not start
  2    wrong arguments, or a file that cannot be read
  3    no response from a server
  4    --timeout passed before the execution ended; it goes on
  130  interrupted

` + "`millrace help COMMAND` or `millrace COMMAND --help` says more, with examples.\n")
	return b.String()
}

func row(left, right string) string {
	const column = 36
	if len(left) > column-2 {
		return fmt.Sprintf("  %s\n  %-*s%s\n", left, column, "", right)
	}
	return fmt.Sprintf("  %-*s%s\n", column, left, right)
}

// help returns the help of a command whose flags are in f.
func (cmd *command) help(f *flag.FlagSet) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%s.\n\nUsage: millrace %s\n",
		cmd.short, strings.TrimSpace(cmd.name+" "+cmd.args)+" [flags]")
	if cmd.long != "" {
		fmt.Fprintf(&b, "\n%s\n", cmd.long)
	}
	b.WriteString("\nExamples:\n")
	for line := range strings.Lines(cmd.examples) {
		b.WriteString("  " + line)
	}
	own, client := "", ""
	f.VisitAll(func(fl *flag.Flag) {
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
func flagRow(fl *flag.Flag, defaultValue string) string {
	placeholder, usage := flag.UnquoteUsage(fl)
	if placeholder != "" && defaultValue != "" && defaultValue != "0s" {
		usage += " (default " + defaultValue + ")"
	}
	return row(strings.TrimSpace("--"+fl.Name+" "+placeholder), usage)
}
