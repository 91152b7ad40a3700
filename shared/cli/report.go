package cli

import (
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

const tokenUsage = "`TOKEN` that the task was given, @FILE, or - for the standard input"

const reportLong = "A report is accepted once. The task is named by its token, or by FLOW, " +
	"EXECUTION and STATE, as `describe`\n" +
	"shows them: an item of a Map is 'Ask[3]'. The second way works if the flow puts the token " +
	"into the task's\n" +
	"parameters, where the history shows it."

func reportSucceededCommand() *command {
	return &command{
		name: "report succeeded", args: "[FLOW EXECUTION STATE]", argsMax: 3,
		short:  "Report the result of a task that waits for it",
		server: true, long: reportLong,
		examples: "millrace report succeeded --token \"$TOKEN\" --result '{\"paid\": true}'\n" +
			"# token and result from files\n" +
			"millrace report succeeded --token @token.txt --result @result.json\n" +
			"# in the holder's place\n" +
			"millrace report succeeded orders order-7 Ask --result '{\"approved\": true}'",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			token := f.String("token", "", tokenUsage)
			result := f.String("result", "{}", "`JSON` object, @FILE, or - for the standard input")
			// The name before: it was taken for one of --output.
			f.StringVar(result, "output-json", "{}", "")
			f.Lookup("output-json").Hidden = true
			return withClient(func(c *invocation, api *client.Client) error {
				name := "result"
				if c.given["output-json"] {
					name = "output-json"
				}
				text, err := c.object(name, *result)
				if err != nil {
					return err
				}
				if text == "" {
					text = "{}"
				}
				t, err := c.taskToken(api, *token)
				if err != nil {
					return err
				}
				id, err := api.ReportTaskSucceeded(c.ctx,
					cloudflow.ReportTaskSucceededRequest{TaskToken: t, Output: text})
				return c.reported(id, err)
			})
		},
	}
}

func reportFailedCommand() *command {
	return &command{
		name: "report failed", args: "[FLOW EXECUTION STATE]", argsMax: 3,
		short:  "Report the error of a task that waits for a result",
		server: true,
		long:   reportLong + " Retry and catch of the state look at the error's name.",
		examples: "millrace report failed --token \"$TOKEN\" --error CardDeclined " +
			"--cause \"limit reached\"\n" +
			"# in the holder's place\n" +
			"millrace report failed orders order-7 Ask --error Abandoned",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			token := f.String("token", "", tokenUsage)
			name := f.String("error", "", "`NAME` of the error")
			cause := f.String("cause", "", "`TEXT` that says why")
			return withClient(func(c *invocation, api *client.Client) error {
				if *name == "" && (*token != "" || len(c.args) > 0) {
					return c.wrong(errors.New("--error is missing"))
				}
				t, err := c.taskToken(api, *token)
				if err != nil {
					return err
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

// taskToken returns the token that --token has, or the one of the task that the arguments name.
func (c *invocation) taskToken(api *client.Client, value string) (string, error) {
	switch {
	case len(c.args) > 0 && c.given["token"]:
		return "", c.wrong(errors.New("name the task by --token, or by FLOW EXECUTION STATE"))
	case len(c.args) == 0:
		return c.token(value)
	case len(c.args) < 3:
		return "", c.wrong(fmt.Errorf("an argument is missing: %s",
			strings.Join([]string{"FLOW", "EXECUTION", "STATE"}[len(c.args):], " ")))
	}
	return c.findToken(api, c.args[0], c.args[1], c.args[2])
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
