package faas

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"

	"millrace/shared/alibaba"
)

// serveFC serves on the runtime API of Function Compute's built-in runtime for Go.
//
// It uses only the loop of the SDK (v0.3.1) and avoids the SDK's defects: fc.StartHandler does not
// work, and fc.Start sends only json.RawMessage results unchanged. Life-cycle events without a
// handler panic. runtimeTransport corrects the SDK's use of the runtime API.
func serveFC(h Handler) error {
	useRuntimeTransport(os.Getenv("FC_RUNTIME_API"))
	fc.RegisterInitializerFunction(func(ctx context.Context) { storeFCCredentials(ctx) })
	fc.RegisterPreStopFunction(func(context.Context) {})
	fc.RegisterPreFreezeFunction(func(context.Context) {})
	fc.Start(fcHandler(h))
	return errors.New("the runtime API of Function Compute has ended")
}

// fcHandler converts h to the form of a handler that the SDK supports correctly.
func fcHandler(h Handler) func(context.Context, []byte) (json.RawMessage, error) {
	return func(ctx context.Context, event []byte) (json.RawMessage, error) {
		ctx, end := activeInvocations.begin(ctx, storeFCCredentials(ctx))
		defer end()
		response, err := h(ctx, event)
		if err != nil {
			return nil, messages.InvokeResponse_Error{Message: err.Error(), Type: errorType}
		}
		return response, nil
	}
}

// errorType is the type of errors in responses of Function Compute. The names of Go types would
// mean nothing to their readers.
const errorType = "FunctionError"

// storeFCCredentials stores the credentials of an invocation and returns its request id.
func storeFCCredentials(ctx context.Context) (requestID string) {
	c, ok := fccontext.FromContext(ctx)
	if ok {
		requestID = c.RequestID
		storeCredentials(alibaba.Credentials{
			AccessKeyID:     c.Credentials.AccessKeyId,
			AccessKeySecret: c.Credentials.AccessKeySecret,
			SecurityToken:   c.Credentials.SecurityToken,
		})
	}
	return requestID
}
