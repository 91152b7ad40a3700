package server_test

import (
	"bytes"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"millrace/shared/fault"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/server"
)

// rejectedCase is a request and the fault that it causes.
type rejectedCase struct {
	name    string
	request *http.Request
	status  int
	code    fault.Code
	message string
}

func check(t *testing.T, o server.Options, cases []rejectedCase) {
	t.Helper()
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			api := &fakeAPI{}
			o := o
			o.API = api
			wantFault(t, serve(o, c.request), c.status, string(c.code), c.message)
			if api.calls != 0 {
				t.Error("the service was called")
			}
		})
	}
}

func withHeader(r *http.Request, nameValue ...string) *http.Request {
	for i := 0; i+1 < len(nameValue); i += 2 {
		r.Header.Set(nameValue[i], nameValue[i+1])
	}
	return r
}

func raw(method, target, kind, body string) *http.Request {
	r := httptest.NewRequest(method, target, strings.NewReader(body))
	if kind != "" {
		r.Header.Set("Content-Type", kind)
	}
	return r
}

func missing(name string) string     { return "The HTTP query '" + name + "' must be specified." }
func missingHead(name string) string { return "The HTTP header '" + name + "' must be specified." }
func notSupported(name string) string {
	return "The requested API operation '" + name + "' is incorrect. Please check."
}

const (
	wrongType = `The content type must be "application/json". Send the parameters in the query, ` +
		`or in the body as application/x-www-form-urlencoded.`
	oversized = "The payload size exceeds maximum allowed size (1048576 bytes)."
)

func TestFaultsOfAnOpenServer(t *testing.T) {
	huge := strings.Repeat("x", 1<<20)
	check(t, server.Options{}, []rejectedCase{
		{"path", raw("GET", "/other?Action=ListFlows", "", ""), 404, fault.ActionNotSupported,
			notSupported("/other")},
		{"method", raw("DELETE", "/?Action=ListFlows", "", ""), 405, fault.ActionNotSupported,
			notSupported("DELETE")},
		{"body too large", post(open("CreateFlow", "Name", "f", "Definition", huge)), 400,
			fault.EntityTooLarge, oversized},
		{"query too large", get(open("CreateFlow", "Name", "f", "Definition", huge)), 400,
			fault.EntityTooLarge, oversized},
		{"size comes before media type",
			raw("POST", "/", "text/plain", huge+"x"), 400, fault.EntityTooLarge, oversized},
		{"plain text", raw("POST", "/", "text/plain", "x"), 415, fault.UnsupportedMediaType,
			wrongType},
		{"multipart", raw("POST", "/", "multipart/form-data; boundary=x", "--x--"), 415,
			fault.UnsupportedMediaType, wrongType},
		{"compressed", withHeader(post(open("ListFlows")), "Content-Encoding", "gzip"), 415,
			fault.UnsupportedMediaType,
			`The content type must be "application/json". The body must not be compressed.`},
		{"bad percent", raw("GET", "/?Action=%2", "", ""), 400, fault.InvalidArgument,
			`The request parameters cannot be read: "%2" is no percent-encoding.`},
		{"too many", raw("POST", "/", "", strings.Repeat("a&", 1001)), 400, fault.InvalidArgument,
			"The request parameters cannot be read: too many parameters."},
		{"JSON list", raw("POST", "/", "application/json", "[]"), 400, fault.InvalidArgument,
			"The request body must be a JSON object."},
		{"nothing", raw("GET", "/", "", ""), 400, fault.MissingRequiredParams, missing("Action")},
		{"empty action", get(open("")), 400, fault.MissingRequiredParams, missing("Action")},
		{"unknown action", get(open("ListStuff")), 400, fault.ActionNotSupported,
			notSupported("ListStuff")},
		{"action in lower case", get(open("listflows")), 400, fault.ActionNotSupported,
			notSupported("listflows") + " It is written 'ListFlows'."},
		{"consoles", get(open("UpdateFlowDraft")), 400, fault.ActionNotSupported,
			notSupported("UpdateFlowDraft") + " CloudFlow has it, this server has not."},
		{"action is no text", get(open("\xff")), 400, fault.ActionNotSupported,
			notSupported("\uFFFD")},
		{"no version", get(params("Action", "ListFlows")), 400, fault.MissingRequiredParams,
			missing("Version")},
		{"old version", get(params("Action", "ListFlows", "Version", "2018-01-01")), 400,
			fault.APIVersionNotSupported,
			"The requested API version '2018-01-01' is not supported yet. Please check."},
		{"no version header", withHeader(raw("GET", "/", "", ""), "x-acs-action", "ListFlows"), 400,
			fault.MissingRequiredHeader,
			missingHead("x-acs-version")},
		{"required", get(open("CreateFlow", "Name", "f")), 400, fault.MissingRequiredParams,
			missing("Definition")},
		{"required but empty", post(open("StartExecution", "FlowName", "")), 400,
			fault.MissingRequiredParams, missing("FlowName")},
		{"required before format",
			get(open("DescribeExecution", "FlowName", "f", "WaitTimeSeconds", "x")), 400,
			fault.MissingRequiredParams, missing("ExecutionName")},
		{"integer", get(open("ListFlows", "Limit", "1.5")), 400, fault.InvalidArgument,
			"The parameter 'Limit' must be an integer."},
		{"large integer", get(open("ListFlows", "Limit", "99999999999999999999")), 400,
			fault.InvalidArgument,
			"The parameter 'Limit' must be an integer."},
		{"wait",
			get(open("DescribeExecution", "FlowName", "f", "ExecutionName", "e", "WaitTimeSeconds",
				"2s")), 400,
			fault.InvalidArgument, "The parameter 'WaitTimeSeconds' must be an integer."},
		{"boolean", get(open("ListExecutions", "FlowName", "f", "MetadataOnly", "1")), 400,
			fault.InvalidArgument,
			"The parameter 'MetadataOnly' must be true or false."},
		{"no text", post(open("StartExecution", "FlowName", "f", "Input", "\xff")), 400,
			fault.InvalidArgument,
			"The parameter 'Input' is not valid UTF-8."},
	})
}

func TestRequiredParameters(t *testing.T) {
	for operation, names := range map[string][]string{
		"CreateFlow": {"Name", "Definition"}, "UpdateFlow": {"Name"}, "DescribeFlow": {"Name"},
		"DeleteFlow": {"Name"}, "StartExecution": {"FlowName"}, "StartSyncExecution": {"FlowName"},
		"StopExecution":     {"FlowName", "ExecutionName"},
		"DeleteExecution":   {"FlowName", "ExecutionName"},
		"RedriveExecution":  {"FlowName", "ExecutionName"},
		"DescribeExecution": {"FlowName", "ExecutionName"}, "ListExecutions": {"FlowName"},
		"GetExecutionHistory": {"FlowName", "ExecutionName"},
		"ReportTaskSucceeded": {"TaskToken", "Output"}, "ReportTaskFailed": {"TaskToken", "Error"},
	} {
		list := open(operation)
		for _, name := range names {
			wantFault(t, serve(server.Options{API: &fakeAPI{}}, post(list)), 400,
				"MissingRequiredParams", missing(name))
			list = with(list, name, "x")
		}
		wantResponse(t, serve(server.Options{API: &fakeAPI{}}, post(list)))
	}
}

func TestFaultsOfCredentials(t *testing.T) {
	skewed := func(at time.Time) string {
		return fmt.Sprintf("The difference between the request time %s and the current time "+
			"2026-11-22T10:35:00Z is too large.",
			at.Format(time.RFC3339))
	}
	v1 := func(nameValue ...string) *http.Request {
		return post(signV1("POST", with(common("ListFlows"), nameValue...)))
	}
	late, early := noon.Add(-31*time.Minute-time.Second), noon.Add(31*time.Minute+time.Second)
	late3, early3 := noon.Add(-15*time.Minute-time.Second), noon.Add(15*time.Minute+time.Second)
	at := func(t time.Time) string { return t.Format(time.RFC3339) }
	token := params("BearerToken", "wrong", "SignatureType", "BEARERTOKEN")
	check(t, server.Options{Credentials: credentials(t, "testsecret", "")}, []rejectedCase{
		{"anonymous", get(open("ListFlows")), 400, fault.MissingRequiredParams,
			missing("AccessKeyId")},
		{"anonymous in headers", withHeader(raw("POST", "/", "", ""), "x-acs-action", "ListFlows",
			"x-acs-version", "2019-03-15"),
			400, fault.MissingRequiredParams, missing("AccessKeyId")},
		{"empty key", v1("AccessKeyId", ""), 400, fault.MissingRequiredParams,
			missing("AccessKeyId")},
		{"no signature", post(common("ListFlows")), 400, fault.MissingRequiredParams,
			missing("Signature")},
		{"no nonce", v1("SignatureNonce", "-"), 400, fault.MissingRequiredParams,
			missing("SignatureNonce")},
		{"no time", v1("Timestamp", "-"), 400, fault.MissingRequiredParams, missing("Timestamp")},
		{"unknown key", v1("AccessKeyId", "nobody"), 403, fault.InvalidAccessKeyID,
			"The AccessKey ID nobody is invalid."},
		{"token that the key has not", v1("SecurityToken", "x"), 403, fault.InvalidAccessKeyID,
			"The AccessKey ID testid is invalid."},
		{"late", v1("Timestamp", at(late)), 403, fault.RequestTimeTooSkewed, skewed(late)},
		{"early", v1("Timestamp", at(early)), 403, fault.RequestTimeTooSkewed, skewed(early)},
		{"time before signature",
			post(with(common("ListFlows"), "Timestamp", at(late), "Signature", "x")), 403,
			fault.RequestTimeTooSkewed, skewed(late)},
		{"no time at all", v1("Timestamp", "now"), 400, fault.InvalidArgument,
			"The parameter 'Timestamp' must be a UTC time like 2006-01-02T15:04:05Z."},
		{"wrong signature", post(with(common("ListFlows"), "Signature", "x")), 403,
			fault.SignatureNotMatch, notMatch},
		{"signed for the other method",
			get(signV1("POST", common("ListFlows"))), 403, fault.SignatureNotMatch, notMatch},
		{"both signatures", withHeader(v1(), "Authorization",
			v3("ListFlows", "", "", "").Header.Get("Authorization")), 400,
			fault.MissingRequiredHeader, missingHead("x-acs-action")},
		{"both signatures, complete", v3("ListFlows", "Signature=x", "", ""), 403,
			fault.SignatureNotMatch, notMatch},
		{"V1 with another Authorization", withHeader(v1(), "Authorization", "Basic dTpw"), 403,
			fault.SignatureNotMatch, notMatch},
		{"operation in a header alone under V1",
			withHeader(v1("Action", "-"), "x-acs-action", "ListFlows"), 400,
			fault.MissingRequiredParams, missing("Action")},
		{"JSON under V1", raw("POST", "/?"+get(signV1("POST", common("ListFlows"))).URL.RawQuery,
			"application/json", `{"Limit":1}`),
			415, fault.UnsupportedMediaType, `The content type must be "application/json". A V1 ` +
				`signature does not cover a JSON body: ` +
				"send the parameters as application/x-www-form-urlencoded."},
		{"unknown bearer", post(append(open("ListFlows"), token...)), 403, fault.AccessDenied,
			"The resources doesn't belong to you."},
		{"unknown bearer in a header", withHeader(raw("POST", "/", "", ""), "x-acs-action",
			"ListFlows", "x-acs-version", "2019-03-15",
			"x-acs-bearer-token", "wrong"), 403, fault.AccessDenied,
			"The resources doesn't belong to you."},

		{"V3 without action", v3("ListFlows", "", "", "", "x-acs-action", "-"), 400,
			fault.MissingRequiredHeader, missingHead("x-acs-action")},
		{"V3 without version", v3("ListFlows", "", "", "", "x-acs-version", "-"), 400,
			fault.MissingRequiredHeader, missingHead("x-acs-version")},
		{"V3 without date", v3("ListFlows", "", "", "", "x-acs-date", "-"), 400,
			fault.MissingRequiredHeader, missingHead("x-acs-date")},
		{"V3 without nonce", v3("ListFlows", "", "", "", "x-acs-signature-nonce", "-"), 400,
			fault.MissingRequiredHeader,
			missingHead("x-acs-signature-nonce")},
		{"V3 without hash", v3("ListFlows", "", "", "", "x-acs-content-sha256", "-"), 400,
			fault.MissingRequiredHeader,
			missingHead("x-acs-content-sha256")},
		{"V3 late", v3("ListFlows", "", "", "", "x-acs-date", at(late3)), 403,
			fault.RequestTimeTooSkewed, skewed(late3)},
		{"V3 early", v3("ListFlows", "", "", "", "x-acs-date", at(early3)), 403,
			fault.RequestTimeTooSkewed, skewed(early3)},
		{"V3 other version", v3("ListFlows", "", "", "", "x-acs-version", "2020-01-01"), 400,
			fault.APIVersionNotSupported,
			"The requested API version '2020-01-01' is not supported yet. Please check."},
		{"V3 other algorithm", withHeader(v3("ListFlows", "", "", ""), "Authorization",
			"ACS3-HMAC-SM3 Credential=testid,SignedHeaders=host,Signature=ab"),
			403, fault.SignatureNotMatch, notMatch},
		{"V3 unreadable", withHeader(v3("ListFlows", "", "", ""), "Authorization",
			"ACS3-HMAC-SHA256 x"), 403, fault.SignatureNotMatch, notMatch},
		{"V3 host not signed", v3("ListFlows", "", "",
			"x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"),
			403, fault.SignatureNotMatch, notMatch},
		{"V3 action not signed", v3("ListFlows", "", "",
			"host;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce;x-acs-version"),
			403, fault.SignatureNotMatch, notMatch},
		{"V3 version not signed", v3("ListFlows", "", "",
			"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-signature-nonce"),
			403, fault.SignatureNotMatch, notMatch},
		{"V3 date not signed", v3("ListFlows", "", "",
			"host;x-acs-action;x-acs-content-sha256;x-acs-signature-nonce;x-acs-version"),
			403, fault.SignatureNotMatch, notMatch},
		{"V3 nonce not signed", v3("ListFlows", "", "",
			"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-version"),
			403, fault.SignatureNotMatch, notMatch},
		{"V3 hash not signed", v3("ListFlows", "", "",
			"host;x-acs-action;x-acs-date;x-acs-signature-nonce;x-acs-version"),
			403, fault.SignatureNotMatch, notMatch},
	})
}

func TestUnsignedSecurityTokenIsRefused(t *testing.T) {
	o := server.Options{API: &fakeAPI{}, Credentials: credentials(t, "testsecret", "tok")}
	wantFault(t, serve(o, v3("ListFlows", "", "", "", "x-acs-security-token", "tok")), 403,
		"SignatureNotMatch", notMatch)
	wantResponse(t, serve(o,
		v3("ListFlows", "", "",
			"host;x-acs-action;x-acs-content-sha256;x-acs-date;x-acs-security-token;"+
				"x-acs-signature-nonce;x-acs-version", "x-acs-security-token", "tok")))
	for _, token := range []string{"-", "", "to"} {
		list := signV1("POST", with(common("ListFlows"), "SecurityToken", token))
		wantFault(t, serve(o, post(list)), 403, "InvalidAccessKeyID",
			"The AccessKey ID testid is invalid.")
	}
	wantResponse(t,
		serve(o, post(signV1("POST", with(common("ListFlows"), "SecurityToken", "tok")))))
}

func TestExpiredCredentials(t *testing.T) {
	c, err := auth.New([]auth.Account{{ID: "1",
		Keys:   []auth.AccessKey{{ID: "testid", Secret: "testsecret", Expires: noon}},
		Tokens: []auth.BearerToken{{Token: "b", Expires: noon}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	o := server.Options{API: &fakeAPI{}, Credentials: c, Now: fixed(noon.Add(-time.Second))}
	signed, bearer := signV1("GET", common("ListFlows")),
		append(open("ListFlows"), params("BearerToken", "b")...)
	wantResponse(t, serve(o, get(signed)))
	wantResponse(t, serve(o, get(bearer)))
	o.Now = fixed(noon)
	wantFault(t, serve(o, get(signed)), 403, "InvalidAccessKeyID",
		"The AccessKey ID testid is invalid.")
	wantFault(t, serve(o, get(bearer)), 403, "AccessDenied", "The resources doesn't belong to you.")
}

func TestTimeAtItsEdge(t *testing.T) {
	o := server.Options{API: &fakeAPI{}, Credentials: credentials(t, "testsecret", "")}
	for _, d := range []time.Duration{-31 * time.Minute, 31 * time.Minute} {
		wantResponse(t, serve(o,
			get(signV1("GET",
				with(common("ListFlows"), "Timestamp", noon.Add(d).Format(time.RFC3339))))))
	}
	for _, d := range []time.Duration{-15 * time.Minute, 15 * time.Minute} {
		wantResponse(t,
			serve(o, v3("ListFlows", "", "", "", "x-acs-date", noon.Add(d).Format(time.RFC3339))))
	}
}

// TestFaultsOfTheService checks that a fault of the service reaches the caller with its code,
// message and status, and that any other error does not.
func TestFaultsOfTheService(t *testing.T) {
	for _, c := range []struct {
		err     error
		status  int
		code    string
		message string
	}{
		{fault.New(fault.FlowNotExists, "Flow 'x' does not exist."), 404, "FlowNotExists",
			"Flow 'x' does not exist."},
		{fault.New(fault.ExecutionAlreadyExists, "Execution 'e' for flow 'x' already exists."), 400,
			"ExecutionAlreadyExists",
			"Execution 'e' for flow 'x' already exists."},
		{fmt.Errorf("start: %w", fault.New(fault.ResourceThrottled, "Later.")), 429,
			"ResourceThrottled", "Later."},
		{errors.New("disk on fire"), 500, "InternalServerError",
			"An internal error has occurred. Please retry."},
	} {
		var log bytes.Buffer
		o := server.Options{API: &fakeAPI{err: c.err},
			Logger: slog.New(slog.NewTextHandler(&log, nil))}
		w := serve(o, get(open("StartExecution", "FlowName", "secretflow")))
		wantFault(t, w, c.status, c.code, c.message)
		if logged := strings.Contains(log.String(), "disk on fire"); logged != (c.status == 500) {
			t.Errorf("log is %q", log.String())
		}
		if strings.Contains(log.String(), "secretflow") {
			t.Errorf("log holds parameters: %q", log.String())
		}
	}
}

func TestPanicIsAnInternalError(t *testing.T) {
	var log bytes.Buffer
	api := &fakeAPI{panics: "boom"}
	h := server.NewHandler(server.Options{API: api, Logger: slog.New(slog.NewTextHandler(&log, nil))})
	w := httptest.NewRecorder()
	h.ServeHTTP(w, get(open("ListFlows", "RequestId", "r-1")))
	wantFault(t, w, 500, "InternalServerError", "An internal error has occurred. Please retry.")
	if !strings.Contains(log.String(), "boom") || !strings.Contains(log.String(), "r-1") {
		t.Errorf("log is %q", log.String())
	}
	api.panics = nil
	w = httptest.NewRecorder()
	h.ServeHTTP(w, get(open("ListFlows")))
	wantResponse(t, w)
}

func TestMethodNotAllowedSaysWhich(t *testing.T) {
	w := serve(server.Options{API: &fakeAPI{}}, raw("PUT", "/", "", ""))
	if w.Header().Get("Allow") != "GET, POST" {
		t.Errorf("Allow is %q", w.Header().Get("Allow"))
	}
}
