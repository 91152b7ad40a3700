// Package arn tells what a resource name in a definition calls, so that a misspelt one is refused when the flow
// is created. It knows shapes only, not whether the resource exists.
package arn

import "strings"

// Target is what a resource name calls.
type Target uint8

// The targets. Other is a well-formed name of something that flows do not call.
const (
	Other Target = iota
	Function
	Flow
	Queue
	Topic
)

// Forms shows one name of each target, for messages.
var Forms = [...]string{
	Function: "acs:fc:::functions/{function}/{qualifier} or acs:fc:::services/{service}/functions/{function}",
	Flow:     "acs:fnf:::flow/{name}",
	Queue:    "acs:mns:::/queues/{queue}/messages",
	Topic:    "acs:mns:::/topics/{topic}/messages",
}

// Parse tells what a name calls. Region and account may be empty. Other with false is no resource name at all.
func Parse(name string) (Target, bool) {
	parts := strings.SplitN(name, ":", 5)
	if len(parts) != 5 || parts[0] != "acs" || parts[1] == "" || parts[4] == "" || strings.ContainsAny(name, " \t\r\n") {
		return Other, false
	}
	path := strings.Split(parts[4], "/")
	switch parts[1] {
	case "fc":
		if function(path) {
			return Function, true
		}
	case "fnf":
		if len(path) == 2 && path[0] == "flow" && path[1] != "" {
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

// function reads functions/{name}[/{qualifier}] and services/{service}[.{qualifier}]/functions/{name}.
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
