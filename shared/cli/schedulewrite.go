package cli

import (
	"errors"
	"fmt"
	"io"

	"github.com/spf13/pflag"

	"millrace/shared/cloudflow"
	"millrace/shared/rpc/client"
)

func scheduleCreateCommand() *command {
	return &command{
		name: "schedule create", args: "FLOW SCHEDULE EXPRESSION",
		short: "Create a schedule that starts a flow by time", server: true, argsMin: 3, argsMax: 3,
		long: "EXPRESSION is \"@every <n>m\", or six fields: seconds, minutes, hours, day of month, " +
			"month, day of week\n" +
			"(docs/schedules.md). They are in UTC, unless CRON_TZ=<zone> is in front. The command " +
			"shows the first planned time.",
		examples: "# each night at 02:30 in Shanghai\n" +
			"millrace schedule create etl nightly \"CRON_TZ=Asia/Shanghai 0 30 2 * * *\" " +
			"--payload '{\"full\": false}'\n" +
			"# every five minutes, but not before it is enabled\n" +
			"millrace schedule create etl often \"@every 5m\" --disabled",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			payload := payloadFlag(f)
			description := f.String("description", "", "`TEXT` for people")
			disabled := f.Bool("disabled", false, "start nothing until it is enabled")
			qualifier := f.String("qualifier", "", "`VERSION` or alias of the flow")
			return withClient(func(c *invocation, api *client.Client) error {
				object, err := c.object("payload", *payload)
				if err != nil {
					return err
				}
				enable := !*disabled
				got, err := api.CreateSchedule(c.ctx, cloudflow.CreateScheduleRequest{
					FlowName: c.args[0], ScheduleName: c.args[1], CronExpression: c.args[2],
					Payload: object, Description: *description, Qualifier: *qualifier,
					Enable: &enable,
				})
				return c.scheduleWritten(got, err, "created")
			})
		},
	}
}

func scheduleUpdateCommand() *command {
	return &command{
		name: "schedule update", args: "FLOW SCHEDULE", short: "Change a schedule", server: true,
		argsMin: 2, argsMax: 2,
		long: "The command changes only what it is given. With another expression the schedule " +
			"plans from now on.",
		examples: "millrace schedule update etl nightly --expression \"0 30 3 * * *\"\n" +
			"millrace schedule update etl nightly --payload @night.json",
		define: func(f *pflag.FlagSet) func(*invocation) error {
			expression := f.String("expression", "", "when it starts the flow: `EXPRESSION` as for create")
			payload := payloadFlag(f)
			description := f.String("description", "", "`TEXT` for people")
			qualifier := f.String("qualifier", "", "`VERSION` or alias of the flow")
			return withClient(func(c *invocation, api *client.Client) error {
				object, err := c.object("payload", *payload)
				if err != nil {
					return err
				}
				r := cloudflow.UpdateScheduleRequest{FlowName: c.args[0], ScheduleName: c.args[1]}
				for _, f := range [...]struct {
					flag  string
					value *string
					to    **string
				}{
					{"expression", expression, &r.CronExpression}, {"payload", &object, &r.Payload},
					{"description", description, &r.Description},
					{"qualifier", qualifier, &r.Qualifier},
				} {
					if c.given[f.flag] {
						*f.to = f.value
					}
				}
				if r == (cloudflow.UpdateScheduleRequest{FlowName: r.FlowName,
					ScheduleName: r.ScheduleName}) {
					return c.wrong(errors.New("nothing to change: give a flag"))
				}
				got, err := api.UpdateSchedule(c.ctx, r)
				return c.scheduleWritten(got, err, "updated")
			})
		},
	}
}

func payloadFlag(f *pflag.FlagSet) *string {
	return f.StringP("payload", "p", "",
		"`JSON` object for the executions: text, @FILE, or - for the standard input")
}

func scheduleEnableCommand() *command {
	return scheduleSwitchCommand(true, "enable", "enabled",
		"Let a schedule start its flow again, from now on")
}

func scheduleDisableCommand() *command {
	return scheduleSwitchCommand(false, "disable", "disabled",
		"Let a schedule start nothing until it is enabled")
}

func scheduleSwitchCommand(enable bool, verb, done, short string) *command {
	return &command{
		name: "schedule " + verb, args: "FLOW SCHEDULE", short: short, server: true, argsMin: 2,
		argsMax: 2, examples: "millrace schedule " + verb + " etl nightly",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient(func(c *invocation, api *client.Client) error {
				got, err := api.UpdateSchedule(c.ctx, cloudflow.UpdateScheduleRequest{
					FlowName: c.args[0], ScheduleName: c.args[1], Enable: &enable})
				return c.scheduleWritten(got, err, done)
			})
		},
	}
}

func scheduleDeleteCommand() *command {
	return &command{
		name: "schedule delete", args: "FLOW SCHEDULE…", short: "Delete schedules of a flow",
		server: true, argsMin: 2, argsMax: -1,
		long: "Executions that they have started go on. The command stops at the first schedule " +
			"that cannot be deleted.",
		examples: "millrace schedule delete etl nightly",
		define: func(*pflag.FlagSet) func(*invocation) error {
			return withClient((*invocation).deleteSchedules)
		},
	}
}

func (c *invocation) deleteSchedules(api *client.Client) error {
	for _, name := range c.args[1:] {
		if err := api.DeleteSchedule(c.ctx,
			cloudflow.ScheduleRequest{FlowName: c.args[0], ScheduleName: name}); err != nil {
			return err
		}
		if !c.forPrograms() {
			fmt.Fprintf(c.Stdout, "schedule %s deleted\n", visible(name))
		}
	}
	if c.forPrograms() {
		return c.writeJSON(struct{ Deleted []string }{c.args[1:]})
	}
	return nil
}

// scheduleWritten shows the schedule that was written, with its next planned time.
func (c *invocation) scheduleWritten(s *client.Schedule, err error, what string) error {
	if err != nil {
		return err
	}
	return c.show(s, func(w io.Writer) {
		fmt.Fprintf(w, "schedule %s %s", visible(s.ScheduleName), what)
		if next := plannedTimes(s, c.Now(), 1); len(next) > 0 {
			fmt.Fprintf(w, "; it starts the flow at %s", next[0])
		}
		fmt.Fprintln(w)
	})
}
