package task

import (
	"encoding/json"
	"errors"

	"millrace/shared/value"
)

// Parameters are the parameters of a request by their exact names.
type Parameters map[string]json.RawMessage

// ReadParameters reads the parameters of a request; nothing and null are none.
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

// Text returns a parameter as Text does, "" when it is absent.
func (p Parameters) Text(name string) string { return Text(p[name]) }

// First returns the first of several spellings that is there, nil when none is.
func (p Parameters) First(names ...string) json.RawMessage {
	for _, name := range names {
		if v, ok := p[name]; ok {
			return v
		}
	}
	return nil
}
