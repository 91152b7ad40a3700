package events

import (
	"slices"
	"strings"

	"millrace/shared/value"
)

// outlineMembers are the members that identify the clouds' events, as an error names them.
var outlineMembers = []string{"Records", "events", "requestContext", "requestPayload", "httpMethod",
	"rawPath", "headers", "version",
	"detail-type", "source", "specversion", "type", "subject", busMember, "data", "messageId",
	"messageBody", "TopicName", "Message",
	"Type", "TopicArn", "triggerName", "triggerTime", "kind", "Event", "eventSource", "eventName",
	"s3", "oss", "Sns", "body", "attrs", "v", "p"}

// outline describes an event for an error. It contains no text that a sender wrote, which may be
// secret or personal.
func outline(event []byte) string {
	m, _ := membersOf(event)
	var known []string
	for name := range m {
		if slices.Contains(outlineMembers, name) {
			known = append(known, name)
		}
	}
	if slices.Sort(known); len(known) > 0 {
		return value.Digest(event) + ", with " + strings.Join(known, ", ")
	}
	return value.Digest(event)
}
