package cli

import (
	"context"
	"errors"
	"io/fs"
	"slices"

	"github.com/spf13/pflag"

	"millrace/shared/yamldoc"
)

func serveCommand() *command {
	return &command{
		name: "serve", short: "Serve the API and run executions, on this machine",
		long: "The server keeps everything in the folder of --data: what it has acknowledged " +
			"survives a crash of the process or the machine.\n" +
			"Without --credentials every client that reaches the server may use it, so it only " +
			"listens on this machine's own addresses.\n" +
			"SIGINT or SIGTERM ends it after the requests in flight, a second one at once; " +
			"running executions go on when it is\n" +
			"started again.",
		examples: "millrace serve\n" +
			"# for other machines, with access keys\n" +
			"millrace serve --listen 0.0.0.0:8642 --data /var/lib/millrace --credentials " +
			"credentials.yaml \\\n" +
			"  --tls-cert cert.pem --tls-key key.pem\n" +
			"# with functions that tasks may call, and limits of its own\n" +
			"millrace serve --functions functions.yaml --config millrace.yaml",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			o := ServeOptions{}
			f.StringVar(&o.Listen, "listen", "127.0.0.1:8642", "`ADDRESS` to listen on, host:port")
			f.StringVar(&o.Data, "data", "./.millrace",
				"`FOLDER` of the store; created if it does not exist")
			f.StringVar(&o.CredentialsFile, "credentials", "",
				"`FILE` of accounts and access keys; open without")
			f.StringVar(&o.FunctionsFile, "functions", "",
				"`FILE` of the functions that tasks may call")
			f.StringVar(&o.ConfigFile, "config", "",
				"`FILE` of limits, rates, retention and the rest")
			f.StringVar(&o.CertificateFile, "tls-cert", "",
				"PEM `FILE` of a certificate, with its chain: serve https")
			f.StringVar(&o.KeyFile, "tls-key", "", "PEM `FILE` of the certificate's key")
			f.BoolVar(&o.Sample, "sample", false,
				"run a sample flow once the server listens, and say how to start it again")
			return func(c *invocation) error {
				if c.Serve == nil {
					return failf("this program was built without a server")
				}
				if (o.CertificateFile == "") != (o.KeyFile == "") {
					return usagef("--tls-cert and --tls-key go together")
				}
				o.Version, o.Stderr = c.Version, c.Stderr
				err := c.Serve(c.ctx, o)
				if c.ctx.Err() != nil && errors.Is(err, context.Canceled) {
					return nil // the server was told to end, and has ended
				}
				if o.badFile(err) {
					return usageError{readable(err)}
				}
				return err
			}
		},
	}
}

// badFile reports whether the server did not start because a file that a flag names cannot be read,
// or has a mistake.
func (o *ServeOptions) badFile(err error) bool {
	var wrong *yamldoc.FileError
	if errors.As(err, &wrong) {
		return true
	}
	var file *fs.PathError
	return errors.As(err, &file) && file.Path != "" &&
		slices.Contains([]string{
			o.ConfigFile, o.CredentialsFile, o.FunctionsFile, o.CertificateFile, o.KeyFile,
		}, file.Path)
}
