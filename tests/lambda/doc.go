// Package lambda runs the compiled functions as AWS Lambda would, on one machine: a runtime API for each instance of a
// function, with deadlines, frozen between invocations; a poller that feeds a queue to a function in batches, with
// partial failures; and a gateway that makes events of HTTP requests. DynamoDB and SQS are the emulators of
// tests/emulators.
package lambda
