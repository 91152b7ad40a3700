package arn

import "strings"

// Target is the kind of resource that a resource name refers to.
type Target uint8

// The targets. Other is a well-formed name of a resource that flows do not call.
const (
	Other Target = iota
	Function
	Flow
	Queue
	Topic
)

// Forms are example names, one for each target, for messages.
var Forms = [...]string{
	Function: "acs:fc:::functions/{function}/{qualifier} or " +
		"acs:fc:::services/{service}/functions/{function}",
	Flow:  "acs:fnf:::flow/{name}",
	Queue: "acs:mns:::/queues/{queue}/messages",
	Topic: "acs:mns:::/topics/{topic}/messages",
}

// TargetOf returns the target that the form of a name shows, so that a misspelt name is rejected
// when a flow is created. Region and account may be empty. It returns Other and false for a text
// that is not a resource name.
func TargetOf(name string) (Target, bool) {
	parts, ok := split(name)
	if !ok || parts[4] == "" || strings.ContainsAny(name, " \t\r\n") {
		return Other, false
	}
	path := strings.Split(parts[4], "/")
	switch parts[1] {
	case "fc":
		if function(path) {
			return Function, true
		}
	case "fnf":
		if (len(path) == 2 || len(path) == 3 && path[2] != "") && path[0] == "flow" &&
			path[1] != "" {
			return Flow, true
		}
	case "mns":
		if len(path) == 4 && path[0] == "" && path[2] != "" && path[3] == "messages" {
			switch path[1] {
			case "queues":
				return Queue, true
			case "topics":
				return Topic, true
			}
		}
	}
	return Other, true
}

// function checks functions/{name}[/{qualifier}] and
// services/{service}[.{qualifier}]/functions/{name}.
func function(path []string) bool {
	for _, part := range path {
		if part == "" {
			return false
		}
	}
	switch len(path) {
	case 2, 3:
		return path[0] == "functions"
	case 4:
		return path[0] == "services" && path[2] == "functions"
	}
	return false
}
