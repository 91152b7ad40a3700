package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

const tokenUsage = "`TOKEN` that the task was given, @FILE, or - for the standard input"

func reportSucceededCommand() *command {
	return &command{
		name: "report succeeded", short: "Report the result of a task that waits for it",
		server: true, long: "A report is accepted once.",
		examples: "millrace report succeeded --token \"$TOKEN\" " +
			"--output-json '{\"paid\": true}'\n" +
			"# token and result from files\n" +
			"millrace report succeeded --token @token.txt --output-json @result.json",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			token := f.String("token", "", tokenUsage)
			output := f.String("output-json", "{}",
				"`JSON` object, @FILE, or - for the standard input: the result")
			return withClient(func(c *invocation, api *client.Client) error {
				t, err := c.token(*token)
				if err != nil {
					return err
				}
				result, err := c.object("output-json", *output)
				if err != nil {
					return err
				}
				if result == "" {
					result = "{}"
				}
				id, err := api.ReportTaskSucceeded(c.ctx,
					cloudflow.ReportTaskSucceededRequest{TaskToken: t, Output: result})
				return c.reported(id, err)
			})
		},
	}
}

func reportFailedCommand() *command {
	return &command{
		name: "report failed", short: "Report the error of a task that waits for a result",
		server: true,
		long: "A report is accepted once. Retry and catch of the state look at the error's " +
			"name.",
		examples: "millrace report failed --token \"$TOKEN\" --error CardDeclined " +
			"--cause \"limit reached\"",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			token := f.String("token", "", tokenUsage)
			name := f.String("error", "", "`NAME` of the error")
			cause := f.String("cause", "", "`TEXT` that says why")
			return withClient(func(c *invocation, api *client.Client) error {
				t, err := c.token(*token)
				if err != nil {
					return err
				}
				if *name == "" {
					return c.wrong(errors.New("--error is missing"))
				}
				r := cloudflow.ReportTaskFailedRequest{TaskToken: t, Error: *name}
				if c.given["cause"] {
					r.Cause = cause
				}
				id, err := api.ReportTaskFailed(c.ctx, r)
				return c.reported(id, err)
			})
		},
	}
}

func (c *invocation) token(value string) (string, error) {
	t, err := c.text(value)
	if err == nil && t == "" {
		err = c.wrong(errors.New("--token is missing"))
	}
	return t, err
}

func (c *invocation) reported(id int64, err error) error {
	if err != nil {
		return err
	}
	return c.show(struct {
		EventID int64 `json:"EventId"`
	}{id}, func(w io.Writer) { fmt.Fprintf(w, "reported; event %d\n", id) })
}
