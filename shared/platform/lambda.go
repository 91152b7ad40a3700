package platform

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
)

// serveLambda serves on AWS Lambda's runtime API, the events as raw bytes.
func serveLambda(h Handler) error {
	lambda.Start(lambdaHandler(h))
	return errors.New("the runtime API of AWS Lambda has ended")
}

type lambdaHandler Handler

// Invoke implements lambda.Handler.
func (h lambdaHandler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	return h(ctx, event)
}
