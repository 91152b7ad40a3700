// Command manpages writes the manual pages of `millrace`, one for each command, into a folder. It
// is a program of its own so that `millrace` does not carry what renders them.
package main

import (
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"
	"github.com/spf13/pflag"

	"millrace/shared/cli"
)

func main() {
	if len(os.Args) != 3 {
		fmt.Fprintln(os.Stderr, "usage: manpages FOLDER VERSION")
		os.Exit(2)
	}
	if err := write(os.Args[1], os.Args[2]); err != nil {
		fmt.Fprintln(os.Stderr, "manpages:", err)
		os.Exit(1)
	}
}

// write writes the pages into a folder, which it creates.
func write(folder, version string) error {
	if err := os.MkdirAll(folder, 0o777); err != nil {
		return err
	}
	root := cli.Tree()
	prepare(root)
	return doc.GenManTree(root, &doc.GenManHeader{
		Section: "1", Source: "millrace " + version, Manual: "Millrace",
	}, folder)
}

// prepare makes the texts of a command and of those below it fit for the renderer, which reads
// Markdown.
func prepare(cc *cobra.Command) {
	cc.DisableAutoGenTag = true
	if cc.Short = escape(cc.Short); cc.HasParent() {
		cc.Long = escape(cc.Long)
	} else {
		cc.Long = "```\n" + cc.Long + "```" // tables
	}
	cc.Flags().VisitAll(func(f *pflag.Flag) {
		_, usage := pflag.UnquoteUsage(f)
		f.Usage = escape(usage)
	})
	for _, next := range cc.Commands() {
		prepare(next)
	}
}

// escape quotes the characters that mean something in Markdown.
var escape = strings.NewReplacer(`\`, `\\`, "*", `\*`, "_", `\_`, "`", "\\`", "<", `\<`, "[", `\[`,
	"#", `\#`).Replace
