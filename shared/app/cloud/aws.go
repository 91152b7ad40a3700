//go:build !millrace_alibaba

package cloud

import (
	"context"
	"fmt"
	"log/slog"
	"net/http"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/sqs"

	"millrace/shared/app"
	"millrace/shared/httpclient"
	"millrace/shared/object/s3object"
	"millrace/shared/queue/sqsqueue"
	"millrace/shared/store/dynamostore"
	"millrace/shared/task"
	"millrace/shared/task/functiontask"
	"millrace/shared/task/lambdatask"
	"millrace/shared/task/reserved"
)

// tailDynamo is the max size of a history tail in a row of DynamoDB, whose write unit is 1 KB.
const tailDynamo = 600

// openAWS opens DynamoDB, SQS and Lambda.
func (c *App) openAWS(
	ctx context.Context, getenv func(string) string, file functionsFile,
) (*services, error) {
	functions, err := lambdaFunctions(file)
	if err != nil {
		return nil, err
	}
	name, err := tableName(c.config.StoreURL)
	if err != nil {
		return nil, err
	}
	cfg, err := awsConfig(getenv)
	if err != nil {
		return nil, err
	}
	client := dynamostore.NewClient(
		cfg, func(o *dynamodb.Options) { o.BaseEndpoint = endpoint(getenv, "DYNAMODB") })
	h := &services{
		driver:       dynamostore.New(dynamostore.Options{Client: client, Table: name}),
		tailBytes:    tailDynamo,
		storeExpires: true,
		decode:       sqsqueue.Decode,
		output:       lambdaOutput,
		identity:     lambdatask.Identity,
		objects:      s3object.New(cfg, endpoint(getenv, "S3")),
	}
	steps, err := openQueue(ctx, cfg, c.config.QueueURL, getenv, c.log)
	if err != nil {
		return nil, err
	}
	h.queue, h.resend = steps, steps.SendText
	// The SDK must not retry: a function is called once per attempt, and only the flow decides to
	// repeat it.
	lambdas := lambda.NewFromConfig(cfg, func(o *lambda.Options) {
		o.BaseEndpoint, o.Retryer = endpoint(getenv, "LAMBDA"), aws.NopRetryer{}
		o.HTTPClient = httpclient.LimitResponses(o.HTTPClient, app.ResponseMax(c.limits))
	})
	h.runners = func(
		recorder task.InvocationRecorder, _ task.Runner,
	) (map[string]task.Runner, task.Runner) {
		runner := lambdatask.New(lambdatask.Options{
			Client:    lambdas,
			Functions: functions,
			Recorder:  recorder,
			Next:      otherFunctions(file.rest, app.ResponseMax(c.limits)),
			Own:       reserved.AWS(getenv("AWS_LAMBDA_FUNCTION_NAME")),
		})
		return map[string]task.Runner{lambdatask.Action: runner, lambdatask.ActionFC: runner}, nil
	}
	return h, nil
}

// lambdaFunctions returns the functions of the functions file that map to Lambda functions.
func lambdaFunctions(file functionsFile) ([]lambdatask.Function, error) {
	if len(file.fc) > 0 {
		return nil, file.fc[0].errorf(
			"`fc:` is for functions of Alibaba Cloud; give it `lambda:` or `http:` here")
	}
	functions := make([]lambdatask.Function, len(file.lambda))
	for i, f := range file.lambda {
		if err := lambdatask.CheckARN(f.name); err != nil {
			return nil, f.errorf(err.Error())
		}
		functions[i] = lambdatask.Function{Match: f.match, ARN: f.name}
	}
	return functions, nil
}

// lambdaOutput returns the result of a task from the response of a Lambda function.
func lambdaOutput(r *task.Request, requestID string, payload []byte) task.Result {
	return r.FunctionResult(lambdatask.Response(http.StatusOK, requestID, payload))
}

// openQueue opens the queue of QUEUE_URL.
func openQueue(
	ctx context.Context, cfg aws.Config, queueURL string, getenv func(string) string,
	log *slog.Logger,
) (*sqsqueue.Queue, error) {
	address, name, err := queueAddress(queueURL)
	if err != nil {
		return nil, err
	}
	fair, err := fair(getenv)
	if err != nil {
		return nil, err
	}
	client := sqs.NewFromConfig(cfg, func(o *sqs.Options) {
		o.BaseEndpoint = endpoint(getenv, "SQS")
	})
	if name != "" {
		out, err := client.GetQueueUrl(ctx, &sqs.GetQueueUrlInput{QueueName: &name})
		if err != nil {
			return nil, fmt.Errorf("QUEUE_URL: the queue %s cannot be found in %s; check its "+
				"name, or give its URL (sqs:GetQueueUrl may be missing): %w", name, cfg.Region, err)
		}
		address = aws.ToString(out.QueueUrl)
	}
	return sqsqueue.New(sqsqueue.Options{Client: client, URL: address, Fair: fair, Log: log}), nil
}

// otherFunctions returns the runner of functions that are not Lambda functions; nil if there are
// none.
func otherFunctions(functions []functiontask.Function, responseMax int64) task.Runner {
	if len(functions) == 0 {
		return nil
	}
	return functiontask.New(functiontask.Options{
		Functions: functions,
		Client:    httpclient.NewInternal(responseMax),
	})
}
