package faas

import (
	"context"
	"errors"

	"github.com/aws/aws-lambda-go/lambda"
	"github.com/aws/aws-lambda-go/lambdacontext"
)

// serveLambda serves on AWS Lambda's runtime API with raw events.
func serveLambda(h Handler) error {
	lambda.Start(lambdaHandler(h))
	return errors.New("the runtime API of AWS Lambda has ended")
}

type lambdaHandler Handler

// Invoke implements lambda.Handler.
func (h lambdaHandler) Invoke(ctx context.Context, event []byte) ([]byte, error) {
	var id string
	if c, ok := lambdacontext.FromContext(ctx); ok {
		id = c.AwsRequestID
	}
	ctx, end := activeInvocations.begin(ctx, id)
	defer end()
	return h(ctx, event)
}
