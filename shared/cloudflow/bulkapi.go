package cloudflow

// CreateBulkOperationRequest holds the parameters of CreateBulkOperation
// (docs/api.md#createbulkoperation). ExecutionNames is the JSON text as sent.
type CreateBulkOperationRequest struct {
	FlowName, BulkName, Operation    string
	ExecutionNames                   string
	Status, ExecutionNamePrefix      string
	StartedTimeBegin, StartedTimeEnd string // RFC 3339
	Qualifier, Reason                string
	Rate                             *int64
	DryRun                           *bool
}

// BulkOperationRequest names a bulk operation.
type BulkOperationRequest struct{ FlowName, BulkName string }

// ListBulkResultsRequest pages through the results of a bulk operation.
type ListBulkResultsRequest struct {
	FlowName, BulkName, NextToken string
	Limit                         *int64
}

// BulkOperation is a bulk operation as the wire shows it.
type BulkOperation struct {
	FlowName, Name, Operation, Status, Reason, CreatedBy string
	// AppliesTo says which of the executions that a filter selects the operation takes; "" if the
	// request names executions.
	AppliesTo                string
	Rate                     int64
	CreatedTime, StoppedTime int64 // ms since 1970; StoppedTime is 0 until it has ended
	Counts                   BulkCounts
	DryRun                   *BulkDryRun // nil: it is no dry run
}

// BulkCounts count executions by what became of them. Accepted ones have ended with one of the
// statuses, or run.
type BulkCounts struct{ Accepted, Rejected, Running, Succeeded, Failed, TimedOut, Stopped int64 }

// BulkDryRun is what an operation would act on.
type BulkDryRun struct {
	Matches int64
	More    bool     // there are more than have been counted
	Samples []string // the first names
}

// BulkOperationPage is one page of bulk operations, those with the last names first.
type BulkOperationPage struct {
	Operations []BulkOperation
	NextToken  string
}

// BulkResult is what a bulk operation has done with an execution. ErrorCode is "" if its operation
// was accepted.
type BulkResult struct {
	ExecutionName, ErrorCode, ErrorMessage string
	// StartedExecutionName is the execution that was started, and Status that of the execution that
	// was acted on, or started, when it had ended; "" if there is none, or it has not.
	StartedExecutionName, Status string
	Time                         int64 // ms since 1970
}

// BulkResultPage is one page of results, by the names of the executions.
type BulkResultPage struct {
	Results   []BulkResult
	NextToken string
}
