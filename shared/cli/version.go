package cli

import (
	"fmt"
	"io"
	"runtime"

	"github.com/spf13/pflag"
)

func versionCommand() *command {
	return &command{
		name: "version", short: "Print the version", json: true,
		examples: "millrace version\nmillrace version --output json",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return func(c *invocation) error {
				v := struct{ Version, Go, Platform string }{c.Version, runtime.Version(),
					runtime.GOOS + "/" + runtime.GOARCH}
				if v.Version == "" {
					v.Version = "devel"
				}
				return c.show(v, func(w io.Writer) {
					fmt.Fprintf(w, "millrace %s (%s, %s)\n", v.Version, v.Go, v.Platform)
				})
			}
		},
	}
}
