package lint

import (
	"strings"

	"millrace/shared/yamldoc"
)

// operations are operations by product, for suggestions: those that the engine carries out, and
// those whose names are like theirs. Any other action may be one that an operator has mapped.
var operations = map[string][]string{
	"FC": {"InvokeFunction", "GetFunction", "ListFunctions", "CreateFunction", "UpdateFunction",
		"DeleteFunction", "InvokeAsyncFunction"},
	"Lambda": {"Invoke", "InvokeAsync"},
	"FNF": {"StartExecution", "StartSyncExecution", "StopExecution", "DescribeExecution",
		"ListExecutions", "GetExecutionHistory", "ReportTaskSucceeded", "ReportTaskFailed",
		"CreateFlow", "UpdateFlow", "DescribeFlow", "DeleteFlow", "ListFlows"},
	"HTTP":        {"Request"},
	"MNS":         {"SendMessage", "BatchSendMessage", "PublishMessage", "ReceiveMessage"},
	"EventBridge": {"PutEvents", "PutEvent"},
	"SMS":         {"SendSms", "SendBatchSms"},
	"OSS": {"GetObject", "PutObject", "CopyObject", "DeleteObject", "HeadObject", "ListObjects",
		"ListObjectsV2", "AppendObject", "GetObjectMeta", "GetObjectAcl", "PutObjectAcl",
		"GetObjectTagging", "PutObjectTagging", "DeleteObjects", "GetBucket", "PutBucket"},
}

// letters are how many letters of an operation may be wrong for a suggestion.
const letters = 2

// Action warns of an action, written `Product:Operation`, that is like one that exists. v is its
// node.
func (l *Linter) Action(v *yamldoc.Node, path *yamldoc.Path) {
	product, operation, ok := strings.Cut(v.Text, ":")
	if !ok {
		return
	}
	if near := l.nearAction(product, operation); near != "" {
		l.report.Warn(v, path, "did you mean '"+near+"'?", "%s is no known action", v.Text)
	}
}

// nearAction returns the action that is like the given one, or "". It differs in the operation or
// in the product, not in both. Products may be in any case.
func (l *Linter) nearAction(product, operation string) string {
	var products []string
	for known, list := range operations {
		if strings.EqualFold(known, product) {
			if contains(list, operation) {
				return ""
			}
			if near := l.report.SuggestNearest(operation, list, letters); near != "" {
				return product + ":" + near
			}
			return ""
		}
		if contains(list, operation) {
			products = append(products, known)
		}
	}
	if near := l.report.SuggestNearest(product, products, 1); near != "" {
		return near + ":" + operation
	}
	return ""
}
