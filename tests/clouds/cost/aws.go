package cost

// AWS has the prices of us-east-1.
var AWS = Cloud{
	Name: "AWS",
	Lines: []Line{
		{"write units", Price{"DynamoDB", "write request units, on demand", 0.625e-6,
			"aws.amazon.com/dynamodb/pricing/on-demand, in force since 2024-11-01"}, 1},
		{"read units", Price{"DynamoDB", "read request units, on demand", 0.125e-6,
			"aws.amazon.com/dynamodb/pricing/on-demand, in force since 2024-11-01"}, 1},
		{"SQS", Price{"SQS", "requests, standard queue", 0.40e-6,
			"aws.amazon.com/sqs/pricing, as of March 2026"}, 1},
		{"Lambda", Price{"Lambda", "invocations", 0.20e-6,
			"aws.amazon.com/lambda/pricing, as of March 2026"}, 1},
		{"GB-ms", Price{"Lambda", "GB-seconds, arm64", 0.0000133334,
			"aws.amazon.com/lambda/pricing, as of March 2026"}, 1000},
		{"requests", Price{"HTTP API", "requests of API Gateway's HTTP API", 1.00e-6,
			"aws.amazon.com/api-gateway/pricing, as of March 2026"}, 1},
	},
	Rivals: []Price{Transition, Step},
	Counted: []string{
		"Write and read units are those of table and indexes, as the store reports them. SQS " +
			"counts each send, and for each batch that " +
			"Lambda's poller reads one receive and one delete; its empty receives belong to an " +
			"idle stack. Lambda counts API and step runner, " +
			"warm: their memory (512 MB each) times the time that they took on this machine, " +
			"against emulators, with tasks called " +
			"synchronously that take 50 to 150 ms each.",
		counted,
	},
}

// Memory of the functions as in template.yaml, in GB.
const (
	AWSAPIMemory    = 0.5
	AWSRunnerMemory = 0.5
)
