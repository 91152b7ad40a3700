package mns

import (
	"fmt"
	"net/http"
)

// refusal is an error of the service: a code of its list with the status and text that it has there.
type refusal struct {
	status  int
	code    string
	message string
}

func (r *refusal) Error() string { return r.code + ": " + r.message }

// The refusals that need no further words.
var (
	accessDenied         = &refusal{403, "AccessDenied", "The OwnerId that your Access Key Id associated to is forbidden for this operation."}
	invalidAccessKey     = &refusal{403, "InvalidAccessKeyId", "The AccessKey Id you provided is not exist."}
	signatureMismatch    = &refusal{403, "SignatureDoesNotMatch", "The request signature we calculated does not match the signature you provided. Check your key and signing method."}
	tokenInvalid         = &refusal{403, "InvalidSecurityToken", "The security token you provided is invalid."}
	tokenExpired         = &refusal{403, "SecurityTokenExpired", "The security token you provided has expired."}
	timeExpired          = &refusal{408, "TimeExpired", "The http request you sent is expired."}
	missingAuthorization = &refusal{400, "MissingAuthorizationHeader", "Authorization header is required."}
	invalidAuthorization = &refusal{400, "InvalidAuthorizationHeader", "The Authorization header format is invalid."}
	missingDate          = &refusal{400, "MissingDateHeader", "Date header is required."}
	invalidDate          = &refusal{400, "InvalidDateHeader", "The Date header format is invalid."}
	missingVersion       = &refusal{400, "MissingVersionHeader", "x-mns-version header is required."}
	invalidVersion       = &refusal{400, "InvalidVersionHeader", "The x-mns-version header is not supported."}
	invalidDigest        = &refusal{400, "InvalidDegist", "The Content-MD5 you specified is invalid."} // so spelt
	invalidURL           = &refusal{400, "InvalidRequestURL", "Http request URL format invalid."}
	malformedXML         = &refusal{400, "MalformedXML", "The XML you provided was not well-formed."}
	missingHandle        = &refusal{400, "MissingReceiptHandle", "ReceiptHandle is required."}
	missingVisibility    = &refusal{400, "MissingVisibilityTimeout", "VisibilityTimeout is required."}
	messageNotExist      = &refusal{404, "MessageNotExist", "Message not exist."}
	handleError          = &refusal{400, "ReceiptHandleError", "The receipt handle you provided is not valid."}
	queueNotExist        = &refusal{404, "QueueNotExist", "The queue name you provided is not exist."}
	queueAlreadyExist    = &refusal{409, "QueueAlreadyExist", "The queue you want to create is already exist."}
	queueDeletedRecently = &refusal{400, "QueueDeletedRecently", "The queue you want to create is deleted recently."}
	invalidQueueName     = &refusal{400, "InvalidQueueName", "The queue name you provided is invalid. QueueName should start with alphabet and contain only alphabet, digit or -."}
	queueNameLength      = &refusal{400, "QueueNameLengthError", "QueueName length should between 1 and 120."}
	qpsLimit             = &refusal{400, "QpsLimitExceeded", "Your queue has reached the maximum QPS."}
	internalError        = &refusal{500, "InternalError", "Internal error."}
	methodNotAllowed     = &refusal{405, "MethodNotAllowed", "The method is not allowed against this resource."}
)

// outOfRange says that a value is not within its limits.
func outOfRange(element string, low, high int64) *refusal {
	return &refusal{400, "InvalidArgument", fmt.Sprintf("The value of %s should between %d and %d seconds/bytes.", element, low, high)}
}

// notInSchema says that an element is missing or is none.
func notInSchema(element string) *refusal {
	return &refusal{400, "InvalidArgument", fmt.Sprintf("The XML you provided did not validate against our published schema, cause by %s.", element)}
}

// badQuery says that a parameter of the query cannot be read.
func badQuery(name string) *refusal {
	return &refusal{400, "InvalidQueryString", fmt.Sprintf("Http request URL contains invalid querystring item %q.", name)}
}

// errorBody is the document of a refusal.
type errorBody struct {
	XMLName   struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Error"`
	Code      string
	Message   string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

func (r *refusal) write(w http.ResponseWriter, request *http.Request, id string) {
	writeXML(w, r.status, errorBody{Code: r.code, Message: r.message, RequestID: id, HostID: "http://" + request.Host})
}
