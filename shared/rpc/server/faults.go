package server

import (
	"strings"

	"millrace/shared/fault"
	"millrace/shared/rpc"
)

// The messages are those of docs/api.md#errors. Some have a further sentence that says what to do.
// Values from a request are cut to a reasonable length.

const internalMessage = "An internal error has occurred. Please retry."

func actionNotSupported(name string) *fault.Error {
	return fault.New(fault.ActionNotSupported,
		"The requested API operation '%s' is incorrect. Please check.", rpc.Cut(name))
}

// unknownOperation returns the fault for an operation that this server does not have. Its message
// tells a misspelled operation from one that only CloudFlow has.
func unknownOperation(name string) *fault.Error {
	f := actionNotSupported(name)
	if unservedOperations[name] {
		f.Message += " CloudFlow has it, this server has not."
		return f
	}
	for known := range operations {
		if strings.EqualFold(known, name) {
			f.Message += " It is written '" + known + "'."
		}
	}
	return f
}

// unservedOperations are the operations of CloudFlow that this server does not have.
var unservedOperations = map[string]bool{
	"UpdateFlowDraft": true, "StartDebugExecution": true, "DescribeAgentRunLogs": true,
}

func missingParam(name string) *fault.Error {
	return fault.New(fault.MissingRequiredParams, "The HTTP query '%s' must be specified.", name)
}

func missingHeader(name string) *fault.Error {
	return fault.New(fault.MissingRequiredHeader, "The HTTP header '%s' must be specified.", name)
}

func tooLarge(bytesMax int64) *fault.Error {
	return fault.New(fault.EntityTooLarge,
		"The payload size exceeds maximum allowed size (%d bytes).", bytesMax)
}

// tooBusy is the fault of a request that does not fit into memory.
func tooBusy() *fault.Error {
	return fault.New(fault.ServiceUnavailable, "The server holds as many bytes of requests "+
		"as its memory allows. Please try again later.")
}

func wrongMediaType(instead string) *fault.Error {
	return fault.New(fault.UnsupportedMediaType, `The content type must be "application/json". %s`,
		instead)
}

func signatureNotMatch() *fault.Error {
	return fault.New(fault.SignatureNotMatch, "The request signature we calculated does not "+
		"match the signature you provided. Check your access key and signing method.")
}

func invalidKey(id string) *fault.Error {
	return fault.New(fault.InvalidAccessKeyID, "The AccessKey ID %s is invalid.", rpc.Cut(id))
}

func accessDenied() *fault.Error {
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you.")
}

func invalid(format string, args ...any) *fault.Error {
	return fault.New(fault.InvalidArgument, format, args...)
}
