package cli

import (
	"context"
	"errors"
	"fmt"

	"millrace/shared/fault"
	"millrace/shared/rpc"
)

// usageError is the caller's mistake: arguments, or a file that cannot be read.
type usageError struct{ error }

// failure is a result that is not what was asked for, found without a server's refusal.
type failure struct{ error }

// errQuiet is an exit code about which everything has been said.
type errQuiet struct{ code int }

func (e errQuiet) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func failf(format string, args ...any) error { return failure{fmt.Errorf(format, args...)} }

// wrong adds where to read on to a mistake in the arguments.
func (c *invocation) wrong(err error) error {
	if c.command == nil {
		return usagef("%w (see `millrace help`)", err)
	}
	return usagef("%s: %w (see `millrace %s --help`)", c.command.name, err, c.command.name)
}

// exit says what went wrong and gives the exit code. An error of a command that calls a server, which is neither
// of the kinds above nor a refusal, means that no server answered: the client makes no others.
func (c *invocation) exit(err error) int {
	var quiet errQuiet
	var usage usageError
	var failed failure
	var refused *fault.Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage), errors.Is(err, rpc.ErrPlainHTTP):
		c.sayAll(err)
		return ExitUsage
	case errors.As(err, &failed):
		c.say(err.Error())
		return ExitFailed
	case c.ctx.Err() != nil && errors.Is(err, context.Canceled):
		c.say("interrupted")
		return ExitInterrupted
	case errors.As(err, &refused) && fromCloudFlow(refused):
		c.printFault(refused)
		return ExitFailed
	case errors.As(err, &refused):
		c.say(refused.Message)
		return ExitUnreachable
	}
	c.sayAll(err)
	if c.command != nil && c.command.server {
		return ExitUnreachable
	}
	return ExitFailed
}

func (c *invocation) say(message string) { fmt.Fprintf(c.Stderr, "millrace: %s\n", visible(message)) }

// sayAll says each of several mistakes in a line of its own.
func (c *invocation) sayAll(err error) {
	var joined interface{ Unwrap() []error }
	if !errors.As(err, &joined) || fmt.Sprint(joined) != err.Error() {
		c.say(err.Error())
		return
	}
	for _, e := range joined.Unwrap() {
		c.sayAll(e)
	}
}

// fromCloudFlow tells a refusal by CloudFlow from an error page of something in between: that has no request id.
func fromCloudFlow(f *fault.Error) bool { return rpc.RequestID(f) != "" }

// unreachable tells whether an error of the client means that no server answered.
func unreachable(err error) bool {
	var refused *fault.Error
	return !errors.As(err, &refused) || !fromCloudFlow(refused)
}

// printFault prints a server's refusal: the wire's own fields for programs, a line and a hint for people.
func (c *invocation) printFault(f *fault.Error) {
	if c.output == "json" {
		writeJSON(c.Stderr, struct {
			Code, Message string
			RequestID     string `json:"RequestId"`
		}{string(f.Code), f.Message, rpc.RequestID(f)})
		return
	}
	c.say(fmt.Sprintf("%s: %s (request %s)", f.Code, f.Message, rpc.RequestID(f)))
	if h := hints[f.Code]; h != "" {
		fmt.Fprintf(c.Stderr, "hint: %s\n", h)
	}
}

// hints say what to do about a refusal.
var hints = map[fault.Code]string{
	fault.FlowNotExists:      "`millrace flow list` shows the flows of this account",
	fault.ExecutionNotExists: "`millrace list FLOW` shows the executions of a flow",
	fault.FlowAlreadyExists:  "`millrace flow apply` creates or updates",
	fault.ExecutionAlreadyExists: "a name is used once per flow: " +
		"`millrace describe FLOW EXECUTION` shows what became of it",
	fault.ActionNotSupported: "--sync is for Express flows; `millrace start FLOW --wait` follows the execution of a " +
		"Standard one",
	fault.InvalidAccessKeyID:    "check --access-key-id or $ALIBABA_CLOUD_ACCESS_KEY_ID",
	fault.SignatureNotMatch:     "check --access-key-secret or $ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	fault.RequestTimeTooSkewed:  "check this machine's clock",
	fault.ResourceThrottled:     "wait a moment; the server limits how often an account may call",
	fault.ServiceUnavailable:    "make room on the disk of the server's --data directory; it goes on by itself",
	fault.MissingRequiredParams: "a server with credentials needs --access-key-id and --access-key-secret",
}
