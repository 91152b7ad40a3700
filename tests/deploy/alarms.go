package deploy

import (
	"fmt"
	"strings"
)

// alarmed reports whether there is an alarm on a metric of a resource.
func (s *Stack) alarmed(namespace, metric, resource string) bool {
	for _, name := range s.Names(kindAlarm) {
		metrics := []any{s.Property(name)}
		for _, m := range asList(s.Property(name, "Metrics")) {
			metrics = append(metrics, At(m, "MetricStat", "Metric"))
		}
		for _, m := range metrics {
			if Text(m, "Namespace") == namespace && Text(m, "MetricName") == metric &&
				has(m, resource) {
				return true
			}
		}
	}
	return false
}

// alarmedIndex reports whether there is an alarm on throttled writes of an index. They throttle the
// table too.
func (s *Stack) alarmedIndex(table, index string) bool {
	for _, name := range s.Names(kindAlarm) {
		if Text(s.Property(name, "MetricName")) != "WriteThrottleEvents" ||
			!has(s.Property(name), table) {
			continue
		}
		for _, d := range asList(s.Property(name, "Dimensions")) {
			if Text(d, "Name") == "GlobalSecondaryIndexName" && Text(d, "Value") == index {
				return true
			}
		}
	}
	return false
}

func has(metric any, resource string) bool {
	for _, d := range asList(At(metric, "Dimensions")) {
		for _, name := range References(At(d, "Value")) {
			if name == resource {
				return true
			}
		}
	}
	return false
}

// checkAlarms: there is an alarm for everything that can fail for a long time.
func checkAlarms(s *Stack) (wrong []string) {
	want := func(namespace, metric, resource string) {
		if !s.alarmed(namespace, metric, resource) {
			wrong = append(wrong, fmt.Sprintf("%s: no alarm on %s", resource, metric))
		}
	}
	for _, f := range s.Names(kindFunction) {
		want("AWS/Lambda", "Errors", f)
		want("AWS/Lambda", "Throttles", f)
	}
	for _, e := range s.sources() {
		want("AWS/SQS", "ApproximateAgeOfOldestMessage", e.queue)
	}
	want("AWS/Lambda", "ConcurrentExecutions", "StepRunnerFunction")
	for _, t := range s.Names("AWS::DynamoDB::Table") {
		want("AWS/DynamoDB", "WriteThrottleEvents", t)
		want("AWS/DynamoDB", "ReadThrottleEvents", t)
		for _, index := range asList(s.Property(t, "GlobalSecondaryIndexes")) {
			if name := Text(index, "IndexName"); !s.alarmedIndex(t, name) {
				wrong = append(wrong, fmt.Sprintf("%s: no alarm on writes of its index %s", t,
					name))
			}
		}
	}
	for _, a := range s.Names("AWS::Serverless::HttpApi") {
		want("AWS/ApiGateway", "5xx", a)
	}
	_, told := s.Parameters["AlarmTopicArn"].(string)
	told = told && s.Parameters["AlarmTopicArn"] != ""
	for _, name := range s.Names(kindAlarm) {
		if tells := s.Property(name, "AlarmActions") != nil; tells != told {
			wrong = append(wrong, fmt.Sprintf("%s: tells somebody: %v, but there is a topic: %v",
				name, tells, told))
		}
		if missing := Text(s.Property(name, "TreatMissingData")); missing != "notBreaching" &&
			missing != "breaching" {
			wrong = append(wrong, name+": does not say what silence means")
		}
	}
	return wrong
}

// checkSweep: there is a tick every minute, in the form that the sweeper accepts, and an alarm if
// the ticks stop.
func checkSweep(s *Stack) (wrong []string) {
	ticks := 0
	for _, e := range asObject(s.Property("SweeperFunction", "Events")) {
		if Text(e, "Type") == "ScheduleV2" &&
			Text(e, "Properties", "ScheduleExpression") == "rate(1 minute)" &&
			strings.ReplaceAll(Text(e, "Properties", "Input"), " ", "") == `{"kind":"sweep"}` &&
			Text(e, "Properties", "State") != "DISABLED" {
			ticks++
		}
	}
	if ticks != 1 {
		wrong = append(wrong, fmt.Sprintf("SweeperFunction: %d ticks a minute", ticks))
	}
	for _, name := range s.Names(kindAlarm) {
		if Text(s.Property(name, "MetricName")) == "Invocations" &&
			has(s.Property(name), "SweeperFunction") &&
			Text(s.Property(name, "ComparisonOperator")) == "LessThanThreshold" &&
			Text(s.Property(name, "TreatMissingData")) == "breaching" {
			return wrong
		}
	}
	return append(wrong, "SweeperFunction: no alarm on its silence")
}
