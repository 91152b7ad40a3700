package cli

import (
	"context"
	"errors"
	"fmt"

	"millrace/shared/fault"
	"millrace/shared/rpc/client"
)

// usageError is a mistake of the user: wrong arguments, or a file that cannot be read.
type usageError struct{ error }

// Unwrap lets sayAll find the mistakes of a joined error.
func (e usageError) Unwrap() error { return e.error }

// failure is a failed result that the program found itself, without a fault from the server.
type failure struct{ error }

// errQuiet is an exit code without a message, because everything has been said.
type errQuiet struct{ code int }

func (e errQuiet) Error() string { return fmt.Sprintf("exit code %d", e.code) }

func usagef(format string, args ...any) error { return usageError{fmt.Errorf(format, args...)} }

func failf(format string, args ...any) error { return failure{fmt.Errorf(format, args...)} }

// wrong turns a mistake in the arguments into an error that points to the help.
func (c *invocation) wrong(err error) error {
	if c.command == nil {
		return usagef("%w (see `millrace help`)", err)
	}
	return usagef("%s: %w (see `millrace %s --help`)", c.command.name, err, c.command.name)
}

// exit prints the error and returns the exit code. If a command that calls a server fails with none
// of the errors above and no fault, then no server responded: the client returns no other errors.
func (c *invocation) exit(err error) int {
	var quiet errQuiet
	var usage usageError
	var failed failure
	var f *fault.Error
	switch {
	case err == nil:
		return ExitOK
	case errors.As(err, &quiet):
		return quiet.code
	case errors.As(err, &usage), errors.Is(err, client.ErrPlainHTTP):
		c.sayAll(err)
		return ExitUsage
	case errors.As(err, &failed):
		c.say(err.Error())
		return ExitFailed
	case c.ctx.Err() != nil && errors.Is(err, context.Canceled):
		c.say("interrupted")
		return ExitInterrupted
	case errors.As(err, &f) && fromCloudFlow(f):
		c.printFault(f)
		return ExitRefused
	case errors.As(err, &f):
		c.say(f.Message)
		return ExitUnreachable
	}
	c.sayAll(err)
	if c.command != nil && c.command.server {
		return ExitUnreachable
	}
	return ExitFailed
}

func (c *invocation) say(message string) {
	fmt.Fprintf(c.Stderr, "millrace: %s\n", visible(message))
}

// sayAll prints every mistake of a joined error on a line of its own.
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

// fromCloudFlow reports whether a fault comes from CloudFlow. The error page of a proxy has no
// request id.
func fromCloudFlow(f *fault.Error) bool { return client.RequestID(f) != "" }

// unreachable reports whether an error of the client means that no server responded.
func unreachable(err error) bool {
	var f *fault.Error
	return !errors.As(err, &f) || !fromCloudFlow(f)
}

// printFault prints a fault of the server: the fields of the wire for programs, or a line and a
// hint for people.
func (c *invocation) printFault(f *fault.Error) {
	if c.forPrograms() {
		writeJSON(c.Stderr, struct {
			Code, Message string
			RequestID     string `json:"RequestId"`
		}{string(f.Code), f.Message, client.RequestID(f)})
		return
	}
	c.say(fmt.Sprintf("%s: %s (request %s)", f.Code, f.Message, client.RequestID(f)))
	if h := hints[f.Code]; h != "" {
		fmt.Fprintf(c.Stderr, "hint: %s\n", h)
	}
}

// hints say what to do about a fault.
var hints = map[fault.Code]string{
	fault.FlowNotExists:      "`millrace flow list` shows the flows of this account",
	fault.ExecutionNotExists: "`millrace list FLOW` shows the executions of a flow",
	fault.MapRunNotExists:    "`millrace history FLOW EXECUTION` shows the names of its MapRuns",
	fault.FlowAlreadyExists:  "`millrace flow apply` creates or updates",
	fault.ExecutionAlreadyExists: "a name is used once per flow: " +
		"`millrace describe FLOW EXECUTION` shows what became of it",
	fault.ExecutionNotCompleted: "`millrace stop FLOW EXECUTION` ends it",
	fault.ActionNotSupported: "--sync is for Express flows; `millrace start FLOW --wait` follows " +
		"the execution of a Standard one",
	fault.InvalidAccessKeyID:   "check --access-key-id or $ALIBABA_CLOUD_ACCESS_KEY_ID",
	fault.SignatureNotMatch:    "check --access-key-secret or $ALIBABA_CLOUD_ACCESS_KEY_SECRET",
	fault.RequestTimeTooSkewed: "check this machine's clock",
	fault.ResourceThrottled:    "wait a moment; the server limits how often an account may call",
	fault.ServiceUnavailable: "make room on the disk of the server's --data directory; it " +
		"goes on by itself",
	fault.MissingRequiredParams: "a server with credentials needs --access-key-id and " +
		"--access-key-secret",
}
