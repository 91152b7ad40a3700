package flowtest

import (
	"bytes"
	"encoding/base64"

	"millrace/shared/flow"
)

// maskToken holds, by dialect, what a run shows for a task token; false means the token itself.
var maskToken = [...]func(token string) (string, bool){
	flow.FlowV1:       maskSignature,
	flow.StateMachine: func(string) (string, bool) { return MockToken, true },
}

// maskSignature replaces the signature of a token, which follows its last #.
func maskSignature(token string) (string, bool) {
	raw, _ := base64.StdEncoding.DecodeString(token)
	i := bytes.LastIndexByte(raw, '#')
	if i <= 0 {
		return "", false
	}
	return base64.StdEncoding.EncodeToString(append(raw[:i+1:i+1], "SIG"...)), true
}
