package cost

// Price is the list price of a unit, in US dollars.
type Price struct {
	Name   string
	Unit   string // in the plural
	USD    float64
	Source string // where the price stands, and as of when
}

// The list prices of us-east-1 (for CloudFlow: outside China), first tier, free tiers left out.
var (
	WriteUnit = Price{"DynamoDB", "write request units, on demand", 0.625e-6,
		"aws.amazon.com/dynamodb/pricing/on-demand, in force since 2024-11-01"}
	ReadUnit = Price{"DynamoDB", "read request units, on demand", 0.125e-6,
		"aws.amazon.com/dynamodb/pricing/on-demand, in force since 2024-11-01"}
	QueueRequest = Price{"SQS", "requests, standard queue", 0.40e-6, "aws.amazon.com/sqs/pricing, as of March 2026"}
	Invocation   = Price{"Lambda", "invocations", 0.20e-6, "aws.amazon.com/lambda/pricing, as of March 2026"}
	GBSecond     = Price{"Lambda", "GB-seconds, arm64", 0.0000133334, "aws.amazon.com/lambda/pricing, as of March 2026"}
	HTTPRequest  = Price{"API Gateway", "requests, HTTP API", 1.00e-6, "aws.amazon.com/api-gateway/pricing, as of March 2026"}
	Transition   = Price{"Step Functions", "state transitions, Standard", 25e-6,
		"aws.amazon.com/step-functions/pricing, as of March 2026: one each time a state is executed, retries included"}
	Step = Price{"CloudFlow", "step transitions, standard", 25e-6,
		"alibabacloud.com/help/en/serverless-workflow, Billing overview of 2026-02-28: 0.25 for 10,000; parallel and foreach are one, and one for each task in them"}
)

// Prices are all of them.
var Prices = []Price{WriteUnit, ReadUnit, QueueRequest, Invocation, GBSecond, HTTPRequest, Transition, Step}

// Memory of the functions as template.yaml has it, in GB.
const (
	APIMemory     = 0.5
	RunnerMemory  = 0.5
	SweeperMemory = 0.5
)

// Bill is what an execution has used.
type Bill struct {
	Flow          string
	Writes, Index float64 // write units; Index of them those of the indexes
	Reads         float64 // read units
	Queue         int     // requests of SQS: sends, receives and deletes
	Invocations   int     // of Lambda
	GBSeconds     float64
	Requests      int // of the HTTP API
	States        int // executed ones: transitions of Step Functions, steps of CloudFlow
}

// Table, QueueUSD, Lambda and API are the parts of the price, in dollars.
func (b Bill) Table() float64    { return b.Writes*WriteUnit.USD + b.Reads*ReadUnit.USD }
func (b Bill) QueueUSD() float64 { return float64(b.Queue) * QueueRequest.USD }
func (b Bill) Lambda() float64 {
	return float64(b.Invocations)*Invocation.USD + b.GBSeconds*GBSecond.USD
}
func (b Bill) API() float64 { return float64(b.Requests) * HTTPRequest.USD }

// Total is the price of the execution, in dollars; StepFunctions and CloudFlow that of the same flow there.
func (b Bill) Total() float64         { return b.Table() + b.QueueUSD() + b.Lambda() + b.API() }
func (b Bill) StepFunctions() float64 { return float64(b.States) * Transition.USD }
func (b Bill) CloudFlow() float64     { return float64(b.States) * Step.USD }
