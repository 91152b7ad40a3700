package platform

import (
	"context"
	"encoding/json"
	"errors"
	"os"

	"github.com/aliyun/fc-runtime-go-sdk/fc"
	"github.com/aliyun/fc-runtime-go-sdk/fc/messages"
	"github.com/aliyun/fc-runtime-go-sdk/fccontext"
)

// serveFC serves on the runtime API of Function Compute's built-in runtime for Go.
//
// Of the SDK only the loop is used, around what it gets wrong (v0.3.1): fc.StartHandler does not work, and of the results
// of fc.Start only json.RawMessage is answered as it is. The life cycle's events must have handlers, or they panic. What
// it does to the runtime API is put right by runtimeTransport.
func serveFC(h Handler) error {
	useRuntimeTransport(os.Getenv("FC_RUNTIME_API"))
	fc.RegisterInitializerFunction(func(ctx context.Context) { storeFCCredentials(ctx) })
	fc.RegisterPreStopFunction(func(context.Context) {})
	fc.RegisterPreFreezeFunction(func(context.Context) {})
	fc.Start(fcHandler(h))
	return errors.New("the runtime API of Function Compute has ended")
}

// fcHandler is the form of a handler that the SDK handles right.
func fcHandler(h Handler) func(context.Context, []byte) (json.RawMessage, error) {
	return func(ctx context.Context, event []byte) (json.RawMessage, error) {
		ctx, end := activeInvocations.begin(ctx, storeFCCredentials(ctx))
		defer end()
		answer, err := h(ctx, event)
		if err != nil {
			return nil, messages.InvokeResponse_Error{Message: err.Error(), Type: errorType}
		}
		return answer, nil
	}
}

// errorType is the type that errors have in answers of Function Compute; Go's own names say nothing to their readers.
const errorType = "FunctionError"

// storeFCCredentials takes the credentials of an invocation, and returns its request id.
func storeFCCredentials(ctx context.Context) (requestID string) {
	c, ok := fccontext.FromContext(ctx)
	if ok {
		requestID = c.RequestID
		storeCredentials(Credentials{c.Credentials.AccessKeyId, c.Credentials.AccessKeySecret, c.Credentials.SecurityToken})
	}
	return requestID
}
