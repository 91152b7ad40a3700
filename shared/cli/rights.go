package cli

import (
	"flag"
	"fmt"

	"millrace/shared/rpc"
)

func rightsCommand() *command {
	return &command{
		name: "rights", args: "FILE", short: "Print what the keys and roles of a credentials file may do", least: 1, most: 1,
		long: "The rights document has the ids, policies and roles of the credentials file and none of its secrets. The step\n" +
			"runners of a cloud read it (MILLRACE_RIGHTS): flows act with the rights of a role, or of the key that wrote them.",
		examples: "millrace rights credentials.yaml > rights.json",
		define:   func(*flag.FlagSet) func(*call) error { return printRights },
	}
}

func printRights(c *call) error {
	text, err := c.read(c.args[0])
	if err != nil {
		return err
	}
	accounts, err := rpc.ParseAccounts(text)
	if err == nil {
		_, err = rpc.NewCredentials(accounts)
	}
	if err != nil {
		return fmt.Errorf("%s: %w", c.args[0], err)
	}
	out, err := rpc.AppendRights(nil, accounts)
	if err != nil {
		return err
	}
	fmt.Fprintln(c.Stdout, escaped(string(out)))
	return nil
}
