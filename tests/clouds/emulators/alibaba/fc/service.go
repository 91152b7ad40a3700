package fc

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"sync"
)

// Service is the InvokeFunction API, version 2023-03-30, of some functions. It checks signatures
// (ACS3-HMAC-SHA256).
type Service struct {
	// Keys are the secrets of the access keys that may call; Tokens are the tokens of the temporary
	// ones.
	Keys   map[string]string
	Tokens map[string]string

	// Failing reports whether to refuse a call with ResourceThrottled, before any work. It may be
	// nil.
	Failing func(function string) bool

	mu        sync.Mutex
	functions map[string]*Function
}

// Add deploys a function under its name.
func (s *Service) Add(f *Function) {
	f.begin()
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.functions == nil {
		s.functions = map[string]*Function{}
	}
	s.functions[f.Name] = f
}

// Has reports whether a function of that name is deployed.
func (s *Service) Has(name string) bool { return s.function(name) != nil }

func (s *Service) function(name string) *Function {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.functions[name]
}

// asyncMax is the maximum size of the event of an asynchronous invocation.
const asyncMax = 128 << 10

// ServeHTTP implements http.Handler.
func (s *Service) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	id := requestID()
	w.Header().Set("x-fc-request-id", id)
	rest, ok := strings.CutPrefix(r.URL.Path, "/2023-03-30/functions/")
	name, ok2 := strings.CutSuffix(rest, "/invocations")
	if !ok || !ok2 || r.Method != http.MethodPost {
		refuse(w, http.StatusNotFound, "InvalidAction.NotFound",
			"Specified api is not found, please check your url and method.")
		return
	}
	event, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	async := r.Header.Get("x-fc-invocation-type") == "Async"
	if err != nil || async && len(event) > asyncMax {
		refuse(w, http.StatusRequestEntityTooLarge, "PayloadTooLarge",
			"The payload is larger than an invocation takes.")
		return
	}
	if code, message := s.Authenticate(r, event); code != "" {
		refuse(w, http.StatusForbidden, code, message)
		return
	}
	f := s.function(name)
	switch {
	case f == nil:
		refuse(w, http.StatusNotFound, "FunctionNotFound", "function '"+name+"' does not exist")
	case s.Failing != nil && s.Failing(name):
		refuse(w, http.StatusTooManyRequests, "ResourceThrottled",
			"Reserve resource exceeded limit")
	case async:
		s.async(w, r, f, event, id)
	default:
		s.sync(w, f, event)
	}
}

func (s *Service) async(w http.ResponseWriter, r *http.Request, f *Function,
	event []byte, id string) {
	task := r.Header.Get("x-fc-async-task-id")
	if !f.Async(event, task, nil) {
		refuse(w, http.StatusConflict, "AsyncTaskAlreadyExists", "the task "+task+" exists already")
		return
	}
	if task == "" {
		task = id
	}
	w.Header().Set("x-fc-async-task-id", task)
	w.WriteHeader(http.StatusAccepted)
}

func (s *Service) sync(w http.ResponseWriter, f *Function, event []byte) {
	body, err := f.Invoke(event)
	var failed *FunctionError
	switch {
	case errors.As(err, &failed):
		w.Header().Set("x-fc-error-type", "HandledInvocationError")
		body = []byte(failed.Document)
	case errors.Is(err, ErrClosed):
		refuse(w, http.StatusNotFound, "FunctionNotFound", "the function does not exist")
		return
	case err != nil:
		w.Header().Set("x-fc-error-type", "UnhandledInvocationError")
		body = []byte(`{"errorMessage":"` + err.Error() + `"}`)
	}
	w.Write(body)
}

// Authenticate checks the signature of a request, as the service's client libraries make it. It
// returns the code and message of the error; "" for none.
func (s *Service) Authenticate(r *http.Request, body []byte) (code, message string) {
	parts := map[string]string{}
	rest, ok := strings.CutPrefix(r.Header.Get("Authorization"), "ACS3-HMAC-SHA256 ")
	for p := range strings.SplitSeq(rest, ",") {
		name, value, _ := strings.Cut(strings.TrimSpace(p), "=")
		parts[name] = value
	}
	secret, known := s.Keys[parts["Credential"]]
	hash := sha256.Sum256(body)
	switch {
	case !ok:
		return "MissingAuthorizationHeader", "The request has no signature."
	case !known:
		return "InvalidAccessKeyId.NotFound", "Specified access key is not found."
	case r.Header.Get("x-acs-security-token") != s.Tokens[parts["Credential"]]:
		return "InvalidSecurityToken.Expired", "Specified SecurityToken is expired."
	case r.Header.Get("x-acs-content-sha256") != hex.EncodeToString(hash[:]):
		return "SignatureDoesNotMatch", "The body is not what was signed."
	case !hmac.Equal([]byte(parts["Signature"]), []byte(acs3(secret, parts["SignedHeaders"], r))):
		return "SignatureDoesNotMatch", "Specified signature does not match our calculation."
	}
	return "", ""
}

// acs3 returns the signature of a request.
func acs3(secret, signed string, r *http.Request) string {
	var b strings.Builder
	b.WriteString(r.Method + "\n" + r.URL.EscapedPath() + "\n" +
		canonicalQuery(r.URL.Query()) + "\n")
	for name := range strings.SplitSeq(signed, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		b.WriteString(name + ":" + strings.TrimSpace(value) + "\n")
	}
	b.WriteString("\n" + signed + "\n" + r.Header.Get("x-acs-content-sha256"))
	canonical := sha256.Sum256([]byte(b.String()))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(canonical[:])))
	return hex.EncodeToString(mac.Sum(nil))
}

func canonicalQuery(q url.Values) string {
	var pairs []string
	for name, values := range q {
		for _, v := range values {
			pairs = append(pairs, escape(name)+"="+escape(v))
		}
	}
	slices.Sort(pairs)
	return strings.Join(pairs, "&")
}

func escape(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}
