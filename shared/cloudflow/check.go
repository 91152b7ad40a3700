package cloudflow

import (
	"context"
	"encoding/base64"
	"errors"
	"unicode/utf8"

	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/store"
	"millrace/shared/value"
)

// checkName checks a name that a caller sent.
func checkName(parameter, name string) error {
	if !flow.ValidName(name) {
		return fault.New(fault.InvalidArgument, "%s %s is invalid: %s.", parameter,
			value.Quote(name), flow.NameRule)
	}
	return nil
}

// checkLookup checks the flow name and the execution name of a lookup.
func checkLookup(flowName, execution string) error {
	if err := checkName("FlowName", flowName); err != nil {
		return err
	}
	if !flow.ValidLookup(execution) {
		return fault.New(fault.InvalidArgument, "ExecutionName %s is invalid.",
			value.Quote(execution))
	}
	return nil
}

// checkText checks the length of an optional text, in characters.
func checkText(parameter string, s *string, lengthMax int) error {
	if s == nil {
		return nil
	}
	if n := utf8.RuneCountInString(*s); n < 1 || n > lengthMax || !utf8.ValidString(*s) {
		return fault.New(fault.InvalidArgument, "%s must have 1 to %d characters.", parameter,
			lengthMax)
	}
	return nil
}

// checkLimit returns the page size.
func checkLimit(limit *int64, limitMax int64) (int, error) {
	if limit == nil {
		return 60, nil
	}
	if *limit < 1 || *limit > limitMax {
		return 0, fault.New(fault.InvalidArgument, "Limit must be from 1 to %d.", limitMax)
	}
	return int(*limit), nil
}

// payload is a JSON object that a caller sent as text.
type payload struct {
	canonical []byte
	tree      any // nil when the text was empty
	// size is compared with the data limit of the flow's dialect. It is the length of the text as
	// sent, blanks and escapes included, or of its canonical form if that is longer.
	size int
}

// parseObject parses a JSON object; an empty text is {}. It does not decode a text longer than
// bytesMax: the payload then has a size and nothing else. bytesMax must be at least the limit of
// every dialect.
func parseObject(parameter, text string, bytesMax int) (payload, error) {
	if text == "" {
		return payload{canonical: []byte("{}"), size: 2}, nil
	}
	if len(text) > bytesMax {
		return payload{size: len(text)}, nil
	}
	tree, err := value.Decode([]byte(text))
	if err != nil {
		return payload{}, fault.New(fault.InvalidArgument, "%s must be a JSON object: %v.",
			parameter, err)
	}
	if _, ok := tree.(map[string]any); !ok {
		return payload{}, fault.New(fault.InvalidArgument, "%s must be a JSON object.", parameter)
	}
	canonical := value.Append(make([]byte, 0, len(text)), tree)
	return payload{canonical, tree, max(len(text), len(canonical))}, nil
}

// dataBytesMax is the largest data limit of any dialect.
func (s *Service) dataBytesMax() int {
	_, highest := s.Limits.DataRange()
	return highest
}

// getFlow reads a flow of the caller's account.
func (s *Service) getFlow(ctx context.Context, c Caller, name string) (*store.Flow, error) {
	f, err := s.Store.GetFlow(ctx, c.Account, name)
	if errors.Is(err, store.ErrNotFound) {
		return nil, flowMissing(name)
	} else if err != nil {
		return nil, FaultOf(err)
	}
	return f, nil
}

func flowMissing(name string) error {
	return fault.New(fault.FlowNotExists, "Flow '%s' does not exist.", name)
}

func executionMissing(flowName, name string) error {
	return fault.New(fault.ExecutionNotExists, "Execution '%s' for flow '%s' does not exist.", name,
		flowName)
}

// Limits of a flow's environment (docs/api.md#createflow).
const (
	variablesMax   = 100
	environmentMax = 32 << 10
)

const environmentForm = `{"Variables":[{"Name":"k","Value":"v"}]}`

// environment parses the Environment parameter.
func environment(text string) ([]flow.Variable, error) {
	if text == "" {
		return nil, nil
	}
	if len(text) > environmentMax {
		return nil, fault.New(fault.InvalidArgument, "Environment must have at most %d bytes.",
			environmentMax)
	}
	var e struct{ Variables []flow.Variable }
	if err := value.Unmarshal([]byte(text), &e); err != nil {
		return nil, fault.New(fault.InvalidArgument, "Environment must be like %s: %v.",
			environmentForm, err)
	}
	// Names are exact: {"variables":…} would silently define an environment without variables.
	var members map[string]any
	_ = value.Unmarshal([]byte(text), &members)
	if _, ok := members["Variables"]; !ok && len(members) > 0 {
		return nil, fault.New(fault.InvalidArgument,
			"Environment must be like %s: it has no Variables.", environmentForm)
	}
	if len(e.Variables) > variablesMax {
		return nil, fault.New(fault.InvalidArgument, "Environment must have at most %d variables.",
			variablesMax)
	}
	seen := map[string]bool{}
	for _, v := range e.Variables {
		if err := checkName("Environment variable", v.Name); err != nil {
			return nil, err
		}
		if seen[v.Name] {
			return nil, fault.New(fault.InvalidArgument,
				"Environment variable '%s' is given twice.", v.Name)
		}
		seen[v.Name] = true
	}
	return e.Variables, nil
}

func variables(in []flow.Variable, described bool) []flow.Variable {
	var out []flow.Variable
	for _, v := range in {
		if !described {
			v.Description = ""
		}
		out = append(out, v)
	}
	return out
}

// encodePageToken makes a page token opaque.
func encodePageToken(s string) string {
	if s == "" {
		return ""
	}
	return base64.RawURLEncoding.EncodeToString([]byte(s))
}

func decodePageToken(token string) (string, error) {
	b, err := base64.RawURLEncoding.DecodeString(token)
	if err != nil || len(b) > 512 || !utf8.Valid(b) {
		return "", errPageToken()
	}
	return string(b), nil
}

func errPageToken() error {
	return fault.New(fault.InvalidArgument, "NextToken is invalid: pass the NextToken of the page "+
		"before as it is.")
}
