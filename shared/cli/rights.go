package cli

import (
	"bytes"
	"encoding/json"
	"fmt"

	"github.com/spf13/pflag"

	"millrace/shared/rpc/auth"
	"millrace/shared/yamldoc"
)

func rightsCommand() *command {
	return &command{
		name: "rights", args: "FILE",
		short: "Print what the keys and roles of a credentials file may do", argsMin: 1, argsMax: 1,
		long: "The rights document has the ids, policies and roles of the credentials file and " +
			"none of its secrets. The step\n" +
			"runners of a cloud read it (MILLRACE_RIGHTS): flows act with the rights of a role, " +
			"or of the key that wrote them.\n" +
			"Run it again whenever FILE changes: with --check it fails if a document is older " +
			"than FILE.",
		examples: "millrace rights credentials.yaml > rights.json\n" +
			"millrace rights credentials.yaml --check rights.json",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			check := f.String("check", "",
				"print nothing, and fail if the rights document in `FILE` is not what would be "+
					"printed")
			return func(c *invocation) error {
				if *check != "" {
					return checkRights(c, *check)
				}
				return printRights(c)
			}
		},
	}
}

func printRights(c *invocation) error {
	out, err := rightsOf(c)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout, escaped(string(out)))
	return nil
}

// checkRights compares the rights with a document that was printed before. The document needs no
// reference to its source, because the same credentials always result in the same document.
func checkRights(c *invocation, name string) error {
	want, err := rightsOf(c)
	if err != nil {
		return err
	}
	text, err := c.read(name)
	if err != nil {
		return err
	}
	var got bytes.Buffer
	if json.Compact(&got, text) != nil || got.String() != escaped(string(want)) {
		return fmt.Errorf("%s is not what %s says now, so flows would act with other rights; "+
			"write it again: millrace rights %[2]s > %[1]s", name, c.args[0])
	}
	return nil
}

// rightsOf returns the rights document of the credentials file that the command names.
func rightsOf(c *invocation) ([]byte, error) {
	text, err := c.read(c.args[0])
	if err != nil {
		return nil, err
	}
	accounts, err := auth.ParseAccounts(c.args[0], text)
	if err != nil {
		return nil, err
	}
	if _, err := auth.New(accounts); err != nil {
		return nil, &yamldoc.FileError{Path: c.args[0], Message: err.Error()}
	}
	return auth.AppendRights(nil, accounts)
}
