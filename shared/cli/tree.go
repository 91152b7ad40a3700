package cli

import (
	"errors"
	"fmt"
	"io"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"
)

// Tree returns the commands of the program, for programs that document them.
func Tree() *cobra.Command {
	c := &invocation{Env: Env{Getenv: func(string) string { return "" }, Stdout: io.Discard,
		Stderr: io.Discard}}
	return c.tree()
}

// run finds the command and executes it.
func (c *invocation) run() error {
	root := c.tree()
	root.SetArgs(append([]string{}, c.Args...)) // cobra reads os.Args if it gets nil
	cc, err := root.ExecuteContextC(c.ctx)
	if !isFlagError(err) {
		return err
	}
	// The flag precedes the name of the command.
	var unknown *pflag.NotExistError
	wrong := flagError(root.Flags(), c.Args, err)
	if !cc.HasParent() {
		return c.wrong(wrong)
	}
	for _, leaf := range cc.Commands() {
		if errors.As(err, &unknown) && leaf.Flags().Lookup(unknown.GetSpecifiedName()) != nil {
			return c.unknown([]string{cc.Name()})
		}
	}
	return usagef("%w (see `millrace help %s`)", wrong, cc.Name())
}

// tree returns the commands as cobra runs them. Cobra parses; what people read comes from here.
func (c *invocation) tree() *cobra.Command {
	root := c.group("millrace", "Serve the CloudFlow API, and call it")
	root.Long, root.Example = overviewTables, overviewExamples
	root.TraverseChildren = true // flags may precede the command's name
	root.SilenceErrors, root.SilenceUsage = true, true
	root.CompletionOptions.DisableDefaultCmd = true
	root.SetIn(c.Stdin)
	root.SetOut(c.Stdout)
	root.SetErr(c.Stderr)
	root.SetHelpFunc(func(*cobra.Command, []string) { fmt.Fprint(c.Stdout, overview()) })
	root.SetHelpCommand(c.helpCommand(root))
	version := root.Flags().Bool("version", false, "print the version and exit")
	for _, cmd := range commands() {
		parent := root
		if group, _ := cmd.split(); group != "" {
			if parent = child(root, group); parent == nil {
				parent = c.group(group, groupShort(group))
				parent.SetHelpFunc(c.groupHelp)
				root.AddCommand(parent)
			}
		}
		parent.AddCommand(c.leaf(cmd))
	}
	root.RunE = func(_ *cobra.Command, words []string) error {
		switch {
		case *version:
			leaf := child(root, "version")
			return leaf.RunE(leaf, nil)
		case len(words) == 0:
			fmt.Fprint(c.Stderr, overview())
			return errQuiet{ExitUsage}
		}
		return c.unknown(words)
	}
	return root
}

// group returns a command that has commands, and flags that may precede their names.
func (c *invocation) group(name, short string) *cobra.Command {
	cc := &cobra.Command{Use: name, Short: short, Args: cobra.ArbitraryArgs}
	cc.RunE = func(_ *cobra.Command, words []string) error {
		return c.unknown(append([]string{name}, words...))
	}
	cc.Flags().SetInterspersed(false) // an unknown command is reported before its flags
	c.helpFlag(cc)
	c.clientFlags(cc.Flags())
	return cc
}

// leaf returns the command that runs cmd.
func (c *invocation) leaf(cmd *command) *cobra.Command {
	_, last := cmd.split()
	cc := &cobra.Command{
		Use: strings.TrimSpace(last + " " + cmd.args), Short: cmd.short, Long: cmd.long,
		Example: cmd.examples, ValidArgsFunction: c.completeArguments(cmd),
	}
	c.helpFlag(cc)
	do := cmd.define(cc.Flags())
	switch {
	case cmd.server:
		c.clientFlags(cc.Flags())
	case cmd.json:
		c.outputFlag(cc.Flags())
	}
	completeFlags(cc)
	cc.SetHelpFunc(func(*cobra.Command, []string) { fmt.Fprint(c.Stdout, cmd.help(cc.Flags())) })
	cc.SetFlagErrorFunc(func(_ *cobra.Command, err error) error {
		c.command = cmd
		return c.wrong(flagError(cc.Flags(), c.Args, err))
	})
	cc.Args = func(_ *cobra.Command, args []string) error {
		c.command = cmd
		if err := cmd.count(args); err != nil {
			return c.wrong(err)
		}
		return nil
	}
	cc.RunE = func(_ *cobra.Command, args []string) error {
		c.command, c.args, c.given = cmd, args, map[string]bool{}
		cc.Flags().Visit(func(f *pflag.Flag) { c.given[f.Name] = true })
		if err := c.checkOutput(); err != nil {
			return err
		}
		return do(c)
	}
	return cc
}

// checkOutput checks --output. A command without that flag prints for people.
func (c *invocation) checkOutput() error {
	if !c.command.server && !c.command.json {
		c.output = "table"
	}
	if !slices.Contains(flagValues["output"], c.output) {
		return c.wrong(oneOf("--output", c.output, flagValues["output"]))
	}
	return nil
}

// helpFlag adds --help. All commands share its variable, so that it may precede their names.
func (c *invocation) helpFlag(cc *cobra.Command) {
	cc.Flags().BoolVarP(&c.helping, "help", "h", false, "show this help")
}

// child returns the command of a group that has the name; nil if there is none.
func child(parent *cobra.Command, name string) *cobra.Command {
	for _, cc := range parent.Commands() {
		if cc.Name() == name {
			return cc
		}
	}
	return nil
}
