package cli

import (
	"context"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/pflag"
)

// command is one command: its help and its function.
type command struct {
	name     string // "flow create"
	args     string // "NAME FILE"
	short    string // one line, without a full stop
	long     string // paragraphs
	examples string // lines, each command below a comment
	server   bool   // it calls a server: it has the client's flags
	json     bool   // it has --output, but not the client's flags
	argsMin  int    // number of positional arguments
	argsMax  int    // -1: any number
	// define adds the command's flags to f and returns the function that runs the command once they
	// are set.
	define func(f *pflag.FlagSet) func(c *invocation) error
}

// split returns the group and the last word of the command's name. A command without a group has
// the group "".
func (cmd *command) split() (group, last string) {
	if group, last, ok := strings.Cut(cmd.name, " "); ok {
		return group, last
	}
	return "", cmd.name
}

// commands returns the commands in the order of the help.
func commands() []*command {
	return []*command{
		serveCommand(), validateCommand(), testCommand(), rightsCommand(),
		flowCreateCommand(), flowUpdateCommand(), flowApplyCommand(), flowDescribeCommand(),
		flowListCommand(), flowDeleteCommand(), flowPublishCommand(),
		flowVersionsCommand(), flowAliasCommand(), flowSearchKeysCommand(), graphCommand(),
		scheduleCreateCommand(), scheduleUpdateCommand(), scheduleDescribeCommand(),
		scheduleListCommand(), scheduleEnableCommand(), scheduleDisableCommand(),
		scheduleDeleteCommand(),
		startCommand(), describeCommand(), historyCommand(), listCommand(), failuresCommand(),
		whyCommand(), stopCommand(),
		redriveCommand(), executionDeleteCommand(), pruneCommand(),
		bulkStopCommand(), bulkStartCommand(), bulkRedriveCommand(), bulkDeleteCommand(),
		bulkDescribeCommand(), bulkResultsCommand(), bulkListCommand(), bulkCancelCommand(),
		mapRunDescribeCommand(), mapRunUpdateCommand(), mapRunChildrenCommand(),
		reportSucceededCommand(), reportFailedCommand(), consoleCommand(), completionCommand(),
		versionCommand(),
	}
}

// invocation is one run of the program.
type invocation struct {
	Env
	ctx     context.Context
	command *command
	args    []string        // positional
	given   map[string]bool // flags that are set
	client  clientFlags
	output  string // table or json
	helping bool   // --help is set

	serverSeen   bool      // the server has responded
	refusedSince time.Time // since when the server refuses connections; zero if it did not
}

// count checks the number of positional arguments.
func (cmd *command) count(args []string) error {
	switch {
	case len(args) < cmd.argsMin && cmd.argsMax == cmd.argsMin:
		missing := strings.Fields(cmd.args)[len(args):]
		return fmt.Errorf("%s missing: %s",
			plural(len(missing), "argument is", "arguments are"), strings.Join(missing, " "))
	case len(args) < cmd.argsMin:
		return fmt.Errorf("an argument is missing: %s", cmd.args)
	case cmd.argsMax >= 0 && len(args) > cmd.argsMax && cmd.argsMax == 0:
		return fmt.Errorf("it takes no argument, but there is %q", args[0])
	case cmd.argsMax >= 0 && len(args) > cmd.argsMax:
		extra := args[cmd.argsMax]
		if strings.HasSuffix(extra, "}") { // the shell has split it at a blank
			return fmt.Errorf("%q is one argument too many for: %s; if it is the end of JSON, "+
				"quote the whole like '{\"id\": 7}'", extra, cmd.args)
		}
		return fmt.Errorf("%q is one argument too many for: %s", extra, cmd.args)
	}
	return nil
}

func plural(n int, one, many string) string {
	if n == 1 {
		return "1 " + one
	}
	return fmt.Sprintf("%d %s", n, many)
}
