package fc

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode/utf8"
)

// bodyMax is the maximum size of the body of a synchronous request.
const bodyMax = 32 << 20

// Trigger is the HTTP trigger of a function, without authentication of its own.
type Trigger struct{ Function *Function }

// ServeHTTP passes a request to the function: unchanged in a custom runtime, as a JSON event in the
// built-in one.
func (t Trigger) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, bodyMax))
	if err != nil || tooLong(r.Header) {
		refuse(w, http.StatusBadRequest, errHeader.Error(),
			"The request is larger than the platform takes.")
		return
	}
	for name := range r.Header {
		if strings.HasPrefix(name, "X-Fc-") && name != "X-Fc-Invocation-Type" &&
			name != "X-Fc-Log-Type" {
			refuse(w, http.StatusBadRequest, errHeader.Error(),
				"Headers that start with x-fc- are the platform's.")
			return
		}
	}
	f := t.Function
	if f.Runtime == Custom {
		err = f.use(func(in *instance) error {
			if err := in.wait(); err != nil {
				return err
			}
			return in.driver.(*custom).forward(in, w, r, body)
		})
	} else {
		err = t.event(w, r, body)
	}
	var failed *FunctionError
	switch {
	case err == nil:
	case errors.As(err, &failed):
		w.Header().Set("x-fc-error-type", "UnhandledInvocationError")
		refuse(w, http.StatusBadGateway, "FunctionError", failed.Document)
	default:
		w.Header().Set("x-fc-error-type", "UnhandledInvocationError")
		refuse(w, http.StatusBadGateway, "FunctionError", err.Error())
	}
}

func tooLong(h http.Header) bool {
	n := 0
	for name, values := range h {
		for _, v := range values {
			n += len(name) + len(v)
		}
	}
	return n > headerMax
}

func refuse(w http.ResponseWriter, status int, code, message string) {
	text, _ := json.Marshal(map[string]string{
		"Code":      code,
		"Message":   message,
		"RequestId": requestID(),
	})
	w.Header().Set("Content-Type", "application/json")
	w.WriteHeader(status)
	w.Write(text)
}

// httpEvent is a request in the form that the built-in runtime gets.
type httpEvent struct {
	Version string            `json:"version"`
	RawPath string            `json:"rawPath"`
	Headers map[string]string `json:"headers"`
	Query   map[string]string `json:"queryParameters"`
	Body    string            `json:"body"`
	Base64  bool              `json:"isBase64Encoded"`
	Context httpContext       `json:"requestContext"`
}

type httpContext struct {
	AccountID    string   `json:"accountId"`
	DomainName   string   `json:"domainName"`
	DomainPrefix string   `json:"domainPrefix"`
	RequestID    string   `json:"requestId"`
	Time         string   `json:"time"`
	TimeEpoch    string   `json:"timeEpoch"`
	HTTP         httpPart `json:"http"`
}

type httpPart struct {
	Method    string `json:"method"`
	Path      string `json:"path"`
	Protocol  string `json:"protocol"`
	SourceIP  string `json:"sourceIp"`
	UserAgent string `json:"userAgent"`
}

// event passes a request to the function as an event and writes its response.
func (t Trigger) event(w http.ResponseWriter, r *http.Request, body []byte) error {
	now := time.Now().UTC()
	e := httpEvent{
		Version: "v1",
		RawPath: r.URL.EscapedPath(),
		Headers: joined(r.Header),
		Query:   joined(r.URL.Query()),
		Body:    string(body),
		Context: httpContext{
			AccountID:    AccountID,
			DomainName:   r.Host,
			DomainPrefix: strings.SplitN(r.Host, ".", 2)[0],
			RequestID:    requestID(),
			Time:         now.Format(time.RFC3339),
			TimeEpoch:    strconv.FormatInt(now.UnixMilli(), 10),
			HTTP: httpPart{
				Method:    r.Method,
				Path:      r.URL.Path,
				Protocol:  r.Proto,
				SourceIP:  strings.Split(r.RemoteAddr, ":")[0],
				UserAgent: r.UserAgent(),
			},
		},
	}
	e.Headers["Host"] = r.Host
	if !utf8.Valid(body) {
		e.Body, e.Base64 = base64.StdEncoding.EncodeToString(body), true
	}
	event, err := json.Marshal(e)
	if err != nil {
		return err
	}
	text, err := t.Function.Invoke(event)
	if err != nil {
		return err
	}
	w.Header().Set("x-fc-request-id", e.Context.RequestID)
	return reply(w, text)
}

// joined joins the values of each name with commas, as the platform does.
func joined[M ~map[string][]string](values M) map[string]string {
	out := make(map[string]string, len(values))
	for name, list := range values {
		out[name] = strings.Join(list, ",")
	}
	return out
}

// reply writes a function's response to a request. A result that is no response with a status
// becomes the body of a 200.
func reply(w http.ResponseWriter, text []byte) error {
	var a struct {
		Status  int               `json:"statusCode"`
		Headers map[string]string `json:"headers"`
		Base64  bool              `json:"isBase64Encoded"`
		Body    string            `json:"body"`
	}
	if json.Unmarshal(text, &a) != nil || a.Status == 0 {
		w.Header().Set("Content-Type", "application/json")
		w.Write(text)
		return nil
	}
	body := []byte(a.Body)
	if a.Base64 {
		var err error
		if body, err = base64.StdEncoding.DecodeString(a.Body); err != nil {
			return &FunctionError{"the body is no base64"}
		}
	}
	for name, value := range a.Headers {
		w.Header().Set(name, value)
	}
	w.WriteHeader(a.Status)
	w.Write(body)
	return nil
}
