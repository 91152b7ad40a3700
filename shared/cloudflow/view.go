package cloudflow

import (
	"bytes"
	"encoding/base64"
	"regexp"
	"strings"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/value"
)

// view is what a caller sees of a flow's executions in any answer that shows one: no more than what
// DescribeFlow, DescribeExecution and a report would have given.
type view struct {
	flow   bool // definition and environment: fnf:DescribeFlow
	data   bool // input and output: fnf:DescribeExecution
	tokens bool // live task tokens: both reports
}

// see returns what the caller sees of a flow.
func (c Caller) see(flowName string) view {
	return view{flow: c.may("fnf:DescribeFlow", flowName), data: c.may("fnf:DescribeExecution", flowName),
		tokens: c.AuthorizeReports() == nil}
}

// shows hides what the view does not have.
func (v view) shows(x *Execution) *Execution {
	if !v.flow {
		x.FlowDefinition, x.Environment = "", nil
	}
	if !v.data {
		x.Input, x.Output = "", ""
	}
	x.Input, x.Output = v.text(x.Input), v.text(x.Output)
	return x
}

// showsUpdated hides, without the view of the flow, everything that an update has not sent: its
// answer shows the whole flow otherwise, to a caller that has changed a description.
func (v view) showsUpdated(f *Flow, sent UpdateFlowRequest) *Flow {
	if v.flow {
		return f
	}
	shown := &Flow{ID: f.ID, Name: f.Name, CreatedTime: f.CreatedTime, LastModifiedTime: f.LastModifiedTime,
		Type: value0(sent.Type), Definition: value0(sent.Definition), Description: value0(sent.Description),
		RoleArn: value0(sent.RoleArn), ExternalStorageLocation: value0(sent.ExternalStorageLocation)}
	if sent.Environment != nil {
		shown.Environment = f.Environment
	}
	return shown
}

// refusal hides, without the view of the flow, why an update was refused if the reason names a role
// or a definition that the caller has not sent.
func (v view) refusal(err error, sent bool) error {
	if err == nil || v.flow || sent {
		return err
	}
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you. The flow that the update leaves has a role, "+
		"or names flows, that this needs more rights for. To a key with fnf:DescribeFlow on the flow, the answer says which.")
}

// text masks the task tokens of a text unless the view has them.
func (v view) text(s string) string {
	if v.tokens {
		return s
	}
	return maskTokens(s)
}

// maskedToken replaces a task token. Its reader may not report with it, but could hand it on.
const maskedToken = "(task token: readers need fnf:ReportTaskSucceeded and fnf:ReportTaskFailed)"

// tokenText matches whatever begins as a task token does: base64 of "v1#". The texts that are
// encoded are ASCII, so no character of a token needs an escape in JSON or in an address, but for
// the padding.
var tokenText = regexp.MustCompile(`djEj[A-Za-z0-9]+={0,2}`)

// maskTokens takes the task tokens out of a JSON text. It finds them as they are, wherever they are
// in it; not what a flow has made of one, such as its reverse or its base64.
func maskTokens(text string) string {
	if strings.Contains(text, `\`) {
		if canonical, err := value.Canonical([]byte(text)); err == nil {
			text = string(canonical) // an escape can hide any character of a token
		}
	}
	return tokenText.ReplaceAllStringFunc(text, func(found string) string {
		if isToken(found) {
			return maskedToken
		}
		return found
	})
}

// isToken reports whether a text that begins as a task token goes on as one: with the name of a
// flow and "#". What follows may have been cut off.
func isToken(text string) bool {
	const most = (len("v1#") + flow.NameMax + len("#") + 2) / 3 * 4 // characters that hold so much
	head := text[:min(len(text), most)]
	raw, _ := base64.StdEncoding.DecodeString(head[:len(head)/4*4]) // as far as it goes
	_, rest, _ := bytes.Cut(raw, []byte("#"))
	name, _, whole := bytes.Cut(rest, []byte("#"))
	return whole && flow.ValidName(string(name))
}
