package deploy

import (
	"fmt"
	"slices"
	"strings"
)

// Rule is something that must be true of what a template creates.
type Rule struct {
	Name  string
	Check func(*Stack) []string // what is wrong, sorted by resource
}

// Rules lists all rules.
var Rules = []Rule{
	{"references", checkReferences},
	{"circles", checkCircles},
	{"visibility", checkVisibility},
	{"age", checkAge},
	{"batches", checkBatches},
	{"dead letters", checkDeadLetters},
	{"recursion", checkRecursion},
	{"timeouts", checkTimeouts},
	{"kept data", checkKept},
	{"encryption", checkEncryption},
	{"logs", checkLogs},
	{"access log", checkAccessLog},
	{"roles", checkRoles},
	{"wildcards", checkWildcards},
	{"service principals", checkPrincipals},
	{"alarms", checkAlarms},
	{"sweep", checkSweep},
	{"ways", checkWays},
}

const (
	kindFunction = "AWS::Serverless::Function"
	kindQueue    = "AWS::SQS::Queue"
	kindRole     = "AWS::IAM::Role"
	kindPolicy   = "AWS::IAM::Policy"
	kindAlarm    = "AWS::CloudWatch::Alarm"
)

// source is a queue that feeds a function.
type source struct {
	function, event, queue string
}

// sources returns the queues that feed functions, sorted by function.
func (s *Stack) sources() (all []source) {
	for _, f := range s.Names(kindFunction) {
		for event, e := range asObject(s.Property(f, "Events")) {
			if Text(e, "Type") == "SQS" {
				all = append(all, source{f, event, Text(e, "Properties", "Queue", "Fn::GetAtt", 0)})
			}
		}
	}
	return all
}

func (s *Stack) event(e source, path ...any) any {
	return s.Property(e.function, append([]any{"Events", e.event, "Properties"}, path...)...)
}

// generated reports whether a name is that of a resource that the transform creates.
func (s *Stack) generated(name string) bool {
	f, ok := strings.CutSuffix(name, "Url")
	return ok && s.Property(f, "FunctionUrlConfig") != nil
}

func checkReferences(s *Stack) (wrong []string) {
	look := func(where string, v any) {
		for _, name := range References(v) {
			_, parameter := s.Parameters[name]
			_, resource := s.Resources[name]
			if !parameter && !resource && !strings.HasPrefix(name, "AWS::") && !s.generated(name) {
				wrong = append(wrong, fmt.Sprintf("%s refers to %s, which is not there", where,
					name))
			}
		}
	}
	for _, name := range s.sorted() {
		look(name, s.Resources[name])
	}
	look("Outputs", s.Outputs)
	return wrong
}

// checkCircles follows references, and from a function to its role.
func checkCircles(s *Stack) (wrong []string) {
	const underway, done = 1, 2
	state := map[string]int{}
	var visit func(name string, path []string)
	visit = func(name string, path []string) {
		switch {
		case state[name] == underway:
			wrong = append(wrong, "circle: "+strings.Join(append(path, name), " → "))
			return
		case state[name] == done || s.Resources[name] == nil:
			return
		}
		state[name] = underway
		needs := References(s.Resources[name])
		switch d := s.Resources[name]["DependsOn"].(type) {
		case string:
			needs = append(needs, d)
		case []any:
			for _, e := range d {
				needs = append(needs, fmt.Sprint(e))
			}
		}
		for _, next := range needs {
			visit(next, append(path, name))
		}
		state[name] = done
	}
	for _, name := range s.sorted() {
		visit(name, nil)
	}
	return wrong
}

func (s *Stack) sorted() []string {
	names := make([]string, 0, len(s.Resources))
	for name := range s.Resources {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// checkVisibility: SQS must not deliver a message again while its function may still work on it.
func checkVisibility(s *Stack) (wrong []string) {
	for _, e := range s.sources() {
		visible, timeout := s.Number(e.queue, "VisibilityTimeout"), s.Number(e.function, "Timeout")
		if window, _ := s.event(e, "MaximumBatchingWindowInSeconds").(float64); timeout == 0 ||
			visible < 6*timeout+window {
			wrong = append(wrong,
				fmt.Sprintf("%s: visible again after %v s, less than six times the %v s of %s",
					e.queue, visible, timeout, e.function))
		}
	}
	return wrong
}

func checkBatches(s *Stack) (wrong []string) {
	for _, e := range s.sources() {
		if !slices.Equal(asList(s.event(e, "FunctionResponseTypes")),
			[]any{"ReportBatchItemFailures"}) {
			wrong = append(wrong, e.function+": one failed message fails its batch")
		}
		if n := s.number(s.event(e, "BatchSize")); n < 1 || n > 10 ||
			e.function == "StepRunnerFunction" && n > 5 {
			wrong = append(wrong, fmt.Sprintf("%s: batches of %v", e.function, n))
		}
		if n := s.number(s.event(e, "ScalingConfig", "MaximumConcurrency")); n < 2 || n > 1000 {
			wrong = append(wrong, fmt.Sprintf("%s: maximum concurrency %v", e.function, n))
		}
	}
	return wrong
}

func asList(v any) []any {
	list, _ := v.([]any)
	return list
}

func (s *Stack) number(v any) float64 {
	if p := Text(v, "Ref"); p != "" {
		v = s.Parameters[p]
	}
	n, _ := v.(float64)
	return n
}

// checkDeadLetters: a message that a function cannot process ends in a queue that keeps it at least
// as long, with an alarm.
func checkDeadLetters(s *Stack) (wrong []string) {
	for _, e := range s.sources() {
		deadQueue := Text(s.Property(e.queue, "RedrivePolicy", "deadLetterTargetArn"), "Fn::GetAtt",
			0)
		if deadQueue == "" || s.Resources[deadQueue]["Type"] != kindQueue || deadQueue == e.queue {
			wrong = append(wrong, e.queue+": no dead-letter queue")
			continue
		}
		if n := s.Number(e.queue, "RedrivePolicy", "maxReceiveCount"); n < 5 {
			wrong = append(wrong, fmt.Sprintf("%s: a dead letter after %v deliveries", e.queue, n))
		}
		kept := s.Number(deadQueue, "MessageRetentionPeriod")
		if kept == 0 || kept < s.Number(e.queue, "MessageRetentionPeriod") {
			wrong = append(wrong, deadQueue+": keeps letters for a shorter time than the queue")
		}
		if !s.alarmed("AWS/SQS", "ApproximateNumberOfMessagesVisible", deadQueue) {
			wrong = append(wrong, deadQueue+": no alarm")
		}
	}
	return wrong
}

// checkRecursion: a function that sends into the queue that feeds it must set RecursiveLoop to
// Allow. Otherwise Lambda detects a loop and stops it.
func checkRecursion(s *Stack) (wrong []string) {
	for _, e := range s.sources() {
		role := Text(s.Property(e.function, "Role"), "Fn::GetAtt", 0)
		sends := slices.ContainsFunc(s.Grants(role), func(g Grant) bool {
			return g.Action == "sqs:SendMessage" && g.Resource == e.queue+".Arn"
		})
		if sends && s.Property(e.function, "RecursiveLoop") != "Allow" {
			wrong = append(wrong, e.function+": RecursiveLoop is not Allow")
		}
	}
	return wrong
}

// gatewaySeconds is the maximum time that API Gateway waits for a response.
const gatewaySeconds = 30

// checkTimeouts: a response must come before the platform gives up.
func checkTimeouts(s *Stack) (wrong []string) {
	for _, f := range s.Names(kindFunction) {
		timeout := s.Number(f, "Timeout")
		if timeout <= 0 || timeout > 900 {
			wrong = append(wrong, fmt.Sprintf("%s: timeout %v", f, timeout))
		}
		for _, e := range asObject(s.Property(f, "Events")) {
			if Text(e, "Type") == "HttpApi" && timeout >= gatewaySeconds {
				wrong = append(wrong, f+": works on when the gateway has given up")
			}
		}
		for _, v := range []string{"MILLRACE_WAIT_SECONDS", "MILLRACE_SYNC_SECONDS",
			"MILLRACE_CALL_SECONDS"} {
			if n, ok := s.Property(f, "Environment", "Variables", v).(float64); ok && n >= timeout {
				wrong = append(wrong, fmt.Sprintf("%s: %s is %v, its timeout %v", f, v, n, timeout))
			}
		}
	}
	return wrong
}

// checkKept: resources that hold data which cannot be created again outlive the stack.
func checkKept(s *Stack) (wrong []string) {
	keep := append(s.Names("AWS::DynamoDB::Table"), s.Names("AWS::S3::Bucket")...)
	for _, e := range s.sources() {
		keep = append(keep, Text(s.Property(e.queue, "RedrivePolicy", "deadLetterTargetArn"),
			"Fn::GetAtt", 0))
	}
	for _, name := range keep {
		if r := s.Resources[name]; r["DeletionPolicy"] != "Retain" ||
			r["UpdateReplacePolicy"] != "Retain" {
			wrong = append(wrong, name+": is deleted with the stack, or when it is replaced")
		}
	}
	for _, name := range s.Names("AWS::DynamoDB::Table") {
		if s.Property(name, "PointInTimeRecoverySpecification",
			"PointInTimeRecoveryEnabled") != true {
			wrong = append(wrong, name+": no point-in-time recovery")
		}
		if p := s.Property(name, "DeletionProtectionEnabled"); p != true &&
			s.Parameters[Text(p, "Ref")] != "true" {
			wrong = append(wrong, name+": not protected against deletion")
		}
	}
	return wrong
}

func checkEncryption(s *Stack) (wrong []string) {
	for _, name := range s.Names("AWS::DynamoDB::Table") {
		if s.Property(name, "SSESpecification", "SSEEnabled") != true {
			wrong = append(wrong, name+": not encrypted")
		}
	}
	for _, name := range s.Names(kindQueue) {
		if s.Property(name, "SqsManagedSseEnabled") != true {
			wrong = append(wrong, name+": not encrypted")
		}
	}
	for _, name := range s.Names("AWS::S3::Bucket") {
		if s.Property(name, "BucketEncryption") == nil ||
			s.Property(name, "PublicAccessBlockConfiguration", "BlockPublicPolicy") != true {
			wrong = append(wrong, name+": not encrypted, or open to the public")
		}
	}
	return wrong
}

// checkLogs: every function has a log group of its own, with a retention.
func checkLogs(s *Stack) (wrong []string) {
	seen := map[string]bool{}
	for _, f := range s.Names(kindFunction) {
		group := Text(s.Property(f, "LoggingConfig", "LogGroup"), "Ref")
		if s.Resources[group]["Type"] != "AWS::Logs::LogGroup" || seen[group] {
			wrong = append(wrong, f+": no log group of its own")
		}
		if s.Property(f, "LoggingConfig", "LogFormat") != "JSON" {
			wrong = append(wrong, f+": its lines cannot be searched by what they say")
		}
		seen[group] = true
	}
	for _, g := range s.Names("AWS::Logs::LogGroup") {
		if s.Number(g, "RetentionInDays") == 0 {
			wrong = append(wrong, g+": keeps logs for ever")
		}
	}
	return wrong
}

// checkAccessLog: task tokens travel in queries, so no access log may contain queries.
func checkAccessLog(s *Stack) (wrong []string) {
	for _, name := range s.Names("AWS::Serverless::HttpApi") {
		format := Text(s.Property(name, "AccessLogSettings", "Format"))
		for _, secret := range []string{"query", "header", "cookie", "$context.path", "$input",
			"authorizer"} {
			if strings.Contains(strings.ToLower(format), secret) {
				wrong = append(wrong, fmt.Sprintf("%s: the access log holds %s", name, secret))
			}
		}
		if format == "" {
			wrong = append(wrong, name+": no access log")
		}
	}
	return wrong
}

// checkAge: a message whose work has failed once must not raise an alarm. SQS counts its age until
// it is deleted, so it is as old as the visibility timeout when SQS delivers it again.
func checkAge(s *Stack) (wrong []string) {
	visibility := map[string]float64{}
	for _, q := range s.Names(kindQueue) {
		visibility[q] = s.Number(q, "VisibilityTimeout")
	}
	for _, a := range s.Names(kindAlarm) {
		if Text(s.Property(a, "MetricName")) != "ApproximateAgeOfOldestMessage" {
			continue
		}
		queue := Text(s.Property(a, "Dimensions", 0, "Value", "Fn::GetAtt", 0))
		if v := visibility[queue]; v == 0 || s.Number(a, "Threshold") < v+60 {
			wrong = append(wrong, a+": a message that failed once is an alarm")
		}
	}
	return wrong
}

// checkWays: a rule for events names the queue that feeds the starter as the way by which they
// come. Events may come straight from a bucket only if the bucket may invoke the starter.
func checkWays(s *Stack) (wrong []string) {
	for _, e := range s.sources() {
		rules := s.Property(e.function, "Environment", "Variables", "MILLRACE_STARTS")
		if rules == nil {
			continue
		}
		if text := Text(rules, "Fn::Sub", 0); strings.Count(text, `"bucket"`) != 1 ||
			!strings.Contains(text, `"by":"${`+e.queue+`.Arn}"`) {
			wrong = append(wrong, e.function+": its rule does not say that events come by "+e.queue)
		}
		invoked := slices.ContainsFunc(s.Names("AWS::Lambda::Permission"), func(p string) bool {
			return Text(s.Property(p, "Principal")) == "s3.amazonaws.com" &&
				Text(s.Property(p, "FunctionName", "Ref")) == e.function
		})
		straight := At(rules, "Fn::Sub", 1, "Straight")
		if invoked == (straight == "") || strings.Contains(fmt.Sprint(straight), `"by"`) {
			wrong = append(wrong,
				e.function+": events may come straight from the bucket, or its rule says so, "+
					"but not both")
		}
	}
	return wrong
}
