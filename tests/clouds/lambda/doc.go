// Package lambda runs the compiled functions on one machine as AWS Lambda would. Each instance of a
// function has a runtime API with deadlines, and is frozen between invocations. A poller passes
// batches of a queue to a function, with partial failures. A gateway converts HTTP requests to
// events. DynamoDB and SQS are the emulators of tests/clouds/emulators.
package lambda
