package task

import (
	"encoding/json"
	"fmt"
	"strings"

	"millrace/shared/glob"
	"millrace/shared/value"
)

// Function is the function of Function Compute that a resource name means.
type Function struct {
	Raw                      string // the resource name as the flow has it
	Region, Account          string
	Service, Name, Qualifier string // Service is "" in FC 3; Qualifier, a version or an alias, never is

	candidates [3]string // the resource name as written, in full, and without its qualifier
}

// PartMax bounds the name of a function, a service, a qualifier or an invocation.
const PartMax = 128

// ParseFunction reads `acs:fc:{region}:{account}:functions/{name}[/{qualifier}]` and
// `…:services/{service}[.{qualifier}]/functions/{name}`. An empty region or account is the flow's. All parts are made of
// letters, digits and -_.$, so that they may stand in a header or a path.
func ParseFunction(resource, region, account string) (*Function, error) {
	arn, err := ParseARN(resource)
	if err != nil {
		return nil, err
	}
	arn = arn.WithDefaults(region, account)
	f := &Function{Raw: resource, Region: arn.Region, Account: arn.Account, Qualifier: "LATEST"}
	parts := strings.Split(arn.Resource, "/")
	bare := arn
	switch {
	case arn.Service != "fc":
		return nil, fmt.Errorf("%q is no function", resource)
	case (len(parts) == 2 || len(parts) == 3) && parts[0] == "functions":
		f.Name = parts[1]
		if len(parts) == 3 {
			f.Qualifier = parts[2]
		}
		bare.Resource = "functions/" + f.Name
		arn.Resource = bare.Resource + "/" + f.Qualifier
	case len(parts) == 4 && parts[0] == "services" && parts[2] == "functions":
		service, qualifier, qualified := strings.Cut(parts[1], ".")
		f.Service, f.Name = service, parts[3]
		if qualified {
			f.Qualifier = qualifier
		}
		bare.Resource = "services/" + service + "/functions/" + f.Name
		arn.Resource = "services/" + service + "." + f.Qualifier + "/functions/" + f.Name
	default:
		return nil, fmt.Errorf("%q is neither acs:fc:{region}:{account}:functions/{name}/{qualifier} nor "+
			"acs:fc:{region}:{account}:services/{service}.{qualifier}/functions/{name}", resource)
	}
	for _, part := range []string{f.Region, f.Account, f.Name, f.Qualifier, f.Service} {
		if !IsFunctionPart(part) {
			return nil, fmt.Errorf("%q names no function", resource)
		}
	}
	if f.Name == "" || f.Qualifier == "" || len(parts) == 4 && f.Service == "" {
		return nil, fmt.Errorf("%q names no function", resource)
	}
	f.candidates = [3]string{resource, arn.String(), bare.String()}
	return f, nil
}

// ARN is the resource name in full, with the qualifier.
func (f *Function) ARN() string { return f.candidates[1] }

// Identity is the resource name in full without the qualifier: the same for all versions and
// aliases. A function of a service that has been moved to FC 3, where it is called
// service$function, has the identity that it had.
func (f *Function) Identity() string {
	if service, name, moved := strings.Cut(f.Name, "$"); moved && f.Service == "" {
		arn := ARN{Service: "fc", Region: f.Region, Account: f.Account}
		arn.Resource = "services/" + service + "/functions/" + name
		return arn.String()
	}
	return f.candidates[2]
}

// IsFunctionPart tells whether s is made of what names of functions, services, versions and invocations are made of, or
// is empty. "." and "..", which mean something in a path, are none.
func IsFunctionPart(s string) bool {
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case 'a' <= c && c <= 'z', 'A' <= c && c <= 'Z', '0' <= c && c <= '9', c == '-', c == '_', c == '.', c == '$':
		default:
			return false
		}
	}
	return len(s) <= PartMax && s != "." && s != ".."
}

// Matches tells whether a pattern of the functions file means f. One with a colon is a glob on the resource name: as
// written, with everything filled in, and without the qualifier. Any other is a glob on the function's name and on
// {service}/{function}.
func (f *Function) Matches(pattern string) bool {
	if !strings.Contains(pattern, ":") {
		return glob.Match(pattern, f.Name) || f.Service != "" && glob.Match(pattern, f.Service+"/"+f.Name)
	}
	for _, c := range f.candidates {
		if glob.Match(pattern, c) {
			return true
		}
	}
	return false
}

// FunctionFailure is the error of a function that failed by itself: the errorType of its error document is the name.
// Without one (a timeout, a process that exited) it is the action's Unknown.
func FunctionFailure(action string, document []byte) *Error {
	var e struct {
		ErrorType    json.RawMessage `json:"errorType"`
		ErrorMessage json.RawMessage `json:"errorMessage"`
	}
	_ = value.Unmarshal(document, &e) // an unreadable document leaves it empty
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

// IsAsync reads the invocation type of a call of a function. A job that is waited for is asynchronous by its nature; the
// newer language refuses a synchronous one (D-37), the older takes it for a call.
func IsAsync(r *Request, kind string) (bool, error) {
	switch {
	case kind == "":
		return r.Mode == System, nil
	case strings.EqualFold(kind, "Async"):
		return true, nil
	case !strings.EqualFold(kind, "Sync"):
		return false, fmt.Errorf("invocationType must be Sync or Async, not %q", value.Cut(kind, 40))
	case r.Mode == System && !r.FlowV1:
		return false, fmt.Errorf("WaitForSystemCallback wants invocationType Async")
	}
	return false, nil
}
