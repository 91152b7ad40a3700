package task

import (
	"encoding/json"
	"fmt"
	"strings"

	"millrace/shared/arn"
	"millrace/shared/flow"
	"millrace/shared/glob"
	"millrace/shared/value"
)

// Function is a function of Function Compute, parsed from a resource name.
type Function struct {
	Raw             string // the resource name as the flow wrote it
	Region, Account string
	// Service is "" in FC 3; Qualifier, a version or an alias, is never ""
	Service, Name, Qualifier string

	candidates [3]string // the resource name as written, in full, and without its qualifier
}

// PartMax is the maximum length of the name of a function, a service, a qualifier or an invocation.
const PartMax = 128

// ParseFunction reads `acs:fc:{region}:{account}:functions/{name}[/{qualifier}]` and
// `…:services/{service}[.{qualifier}]/functions/{name}`. region and account replace empty ones. All
// parts consist of letters, digits and -_.$, so that they are safe in a header or a path.
func ParseFunction(resource, region, account string) (*Function, error) {
	full, err := arn.Parse(resource)
	if err != nil {
		return nil, err
	}
	full = full.WithDefaults(region, account)
	f := &Function{Raw: resource, Region: full.Region, Account: full.Account, Qualifier: "LATEST"}
	parts := strings.Split(full.Resource, "/")
	bare := full
	switch {
	case full.Service != "fc":
		return nil, fmt.Errorf("%q is no function", resource)
	case (len(parts) == 2 || len(parts) == 3) && parts[0] == "functions":
		f.Name = parts[1]
		if len(parts) == 3 {
			f.Qualifier = parts[2]
		}
		bare.Resource = "functions/" + f.Name
		full.Resource = bare.Resource + "/" + f.Qualifier
	case len(parts) == 4 && parts[0] == "services" && parts[2] == "functions":
		service, qualifier, qualified := strings.Cut(parts[1], ".")
		f.Service, f.Name = service, parts[3]
		if qualified {
			f.Qualifier = qualifier
		}
		bare.Resource = "services/" + service + "/functions/" + f.Name
		full.Resource = "services/" + service + "." + f.Qualifier + "/functions/" + f.Name
	default:
		return nil, fmt.Errorf(
			"%q is neither acs:fc:{region}:{account}:functions/{name}/{qualifier} nor "+
				"acs:fc:{region}:{account}:services/{service}.{qualifier}/functions/{name}",
			resource)
	}
	for _, part := range []string{f.Region, f.Account, f.Name, f.Qualifier, f.Service} {
		if !IsFunctionPart(part) {
			return nil, fmt.Errorf("%q names no function", resource)
		}
	}
	if f.Name == "" || f.Qualifier == "" || len(parts) == 4 && f.Service == "" {
		return nil, fmt.Errorf("%q names no function", resource)
	}
	f.candidates = [3]string{resource, full.String(), bare.String()}
	return f, nil
}

// ARN returns the full resource name, with the qualifier.
func (f *Function) ARN() string { return f.candidates[1] }

// Identity returns the full resource name without the qualifier: the same for all versions and
// aliases. If a function of a service was moved to FC 3, where its name is service$function, it
// keeps its old identity.
func (f *Function) Identity() string {
	if service, name, moved := strings.Cut(f.Name, "$"); moved && f.Service == "" {
		before := arn.ARN{Service: "fc", Region: f.Region, Account: f.Account}
		before.Resource = "services/" + service + "/functions/" + name
		return before.String()
	}
	return f.candidates[2]
}

// IsFunctionPart reports whether s is empty or consists of characters that names of functions,
// services, versions and invocations may have. It returns false for "." and "..", which have a
// meaning in a path.
func IsFunctionPart(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_',
			c == '.', c == '$':
		default:
			return false
		}
	}
	return len(s) <= PartMax && s != "." && s != ".."
}

// Matches reports whether a pattern of the functions file matches f. A pattern with a colon is a
// glob on the resource name: as written, with all defaults filled in, and without the qualifier.
// Any other pattern is a glob on the function's name and on {service}/{function}.
func (f *Function) Matches(pattern string) bool {
	if !strings.Contains(pattern, ":") {
		return glob.Match(pattern, f.Name) ||
			f.Service != "" && glob.Match(pattern, f.Service+"/"+f.Name)
	}
	for _, c := range f.candidates {
		if glob.Match(pattern, c) {
			return true
		}
	}
	return false
}

// FunctionFailure returns the error of a function that failed by itself. The errorType of its error
// document is the name. If the document has none (a timeout, a process that exited), the name is
// the action's Unknown.
func FunctionFailure(action string, document []byte) *flow.Error {
	var e struct {
		ErrorType    json.RawMessage `json:"errorType"`
		ErrorMessage json.RawMessage `json:"errorMessage"`
	}
	_ = value.Unmarshal(document, &e) // a document that is no JSON leaves e empty
	name, cause := Text(e.ErrorType), Text(e.ErrorMessage)
	if name == "" {
		r := Request{Action: action}
		name = r.ErrorName("Unknown")
	}
	if cause == "" {
		cause = "Function failed: " + string(document)
	}
	return NewError(name, cause)
}

// IsAsync reports whether a call with this invocationType is asynchronous. A job for whose end the
// task waits is always asynchronous: StateMachine rejects a synchronous one, FlowV1 treats
// it as a plain call.
func IsAsync(r *Request, kind string) (bool, error) {
	switch {
	case kind == "":
		return r.Mode == flow.WaitForSystemCallback, nil
	case strings.EqualFold(kind, "Async"):
		return true, nil
	case !strings.EqualFold(kind, "Sync"):
		return false, fmt.Errorf("invocationType must be Sync or Async, not %q",
			value.Cut(kind, 40))
	case r.Mode == flow.WaitForSystemCallback && !r.dialect().syncJobs:
		return false, fmt.Errorf("WaitForSystemCallback wants invocationType Async")
	}
	return false, nil
}
