package statemachine

import "millrace/shared/yamldoc"

const constructors = "InputConstructor, OutputConstructor and GlobalConstructor say what goes where"

// fieldHints are fields that people expect from the Amazon States Language and from FlowV1, with
// their equivalents.
var fieldHints = map[string]string{
	"Arguments":            "write Parameters",
	"Assign":               "write GlobalConstructor",
	"Cause":                "write Detail",
	"Choices":              "write Branches, a list of Condition and Next",
	"Comment":              "write Description",
	"Duration":             "write Seconds",
	"Error":                "write Code",
	"ErrorCatch":           "write Catch",
	"ErrorEquals":          "write Errors",
	"HeartbeatSeconds":     "there is no heartbeat; Timeout limits an attempt",
	"HeartbeatSecondsPath": "there is no heartbeat; Timeout limits an attempt",
	"InputPath":            constructors,
	"ItemProcessor":        "write Processor",
	"ItemSelector":         constructors,
	"Items":                "write ItemsPath",
	"Iterator":             "write Processor",
	"JitterStrategy":       "there is no jitter",
	"MaxDelaySeconds":      "write MaxBackoffSeconds",
	"MaxIntervalSeconds":   "write MaxBackoffSeconds",
	"Multiplier":           "write BackoffRate",
	"OnError":              "write Retry or Catch",
	"OutputPath":           constructors,
	"Resource": "write Action, FC:InvokeFunction for example, and the resourceArn " +
		"under Parameters",
	"Result":             "write OutputConstructor",
	"ResultPath":         constructors,
	"ResultSelector":     constructors,
	"SecondsPath":        "write Seconds.$",
	"TimeoutSeconds":     "write Timeout",
	"TimeoutSecondsPath": "write Timeout.$",
	"Timestamp":          "there are only relative waits, Seconds",
	"TimestampPath":      "there are only relative waits, Seconds",
	"Version":            "write SpecVersion",
	"catch":              "write Catch, with Errors and Next",
	"cause":              "write Detail",
	"choices":            "write Branches, a list of Condition and Next",
	"duration":           "write Seconds",
	"error":              "write Code",
	"errorMappings":      "write OutputConstructor in the rule of Catch",
	"goto":               "write Next",
	"inputMappings":      "write InputConstructor",
	"iterationMapping":   "write ItemsPath",
	"maxIntervalSeconds": "write MaxBackoffSeconds",
	"multiplier":         "write BackoffRate",
	"outputMappings":     "write OutputConstructor",
	"pattern":            "write TaskMode",
	"resourceArn":        "write Action, and the resourceArn under Parameters",
	"serviceParams":      "write Parameters",
	"steps":              "write States",
	"timeoutSeconds":     "write Timeout",
	"timestamp":          "there are only relative waits, Seconds",
}

// modeHints are the patterns of FlowV1 and what else people write, with the equivalent TaskMode.
var modeHints = map[string]string{
	"Callback":        "write WaitForCustomCallback",
	"WaitForCallback": "write WaitForCustomCallback",
	"requestResponse": "write RequestComplete",
	"sync":            "write WaitForSystemCallback",
	"waitForCallback": "write WaitForCustomCallback",
}

// unknownField warns of a field that is not in known.
func (c *compiler) unknownField(f *yamldoc.Field, path *yamldoc.Path, known []string) {
	hint := fieldHints[f.Key]
	if hint == "" {
		hint = c.Suggest(f.Key, known)
	}
	c.WarnKey(f, path.Key(f.Key), hint, "unknown field, ignored")
}
