package task

import (
	"encoding/json"
	"errors"

	"millrace/shared/value"
)

// Parameters are a request's parameters by their exact names.
type Parameters map[string]json.RawMessage

// ReadParameters reads the parameters of a request. Empty text and null are no parameters.
func ReadParameters(raw json.RawMessage) (Parameters, error) {
	var p Parameters
	if len(raw) == 0 {
		return p, nil
	}
	if value.Unmarshal(raw, &p) != nil {
		return nil, errors.New("the parameters must be an object")
	}
	return p, nil
}

// Text returns a parameter as Text does, "" if it is absent.
func (p Parameters) Text(name string) string { return Text(p[name]) }

// First returns the value of the first of the names that is present, nil if none is.
func (p Parameters) First(names ...string) json.RawMessage {
	for _, name := range names {
		if v, ok := p[name]; ok {
			return v
		}
	}
	return nil
}
