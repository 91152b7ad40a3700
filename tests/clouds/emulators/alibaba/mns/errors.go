package mns

import (
	"fmt"
	"net/http"
)

// apiError is an error of the service: a code of its list, with the status and text of that list.
type apiError struct {
	status  int
	code    string
	message string
}

func (r *apiError) Error() string { return r.code + ": " + r.message }

// The errors with a fixed text.
var (
	accessDenied = &apiError{403, "AccessDenied",
		"The OwnerId that your Access Key Id associated to is forbidden for this operation."}
	invalidAccessKey = &apiError{403, "InvalidAccessKeyId",
		"The AccessKey Id you provided is not exist."}
	signatureMismatch = &apiError{403, "SignatureDoesNotMatch", "The request signature we " +
		"calculated does not match the signature you provided. Check your key and signing method."}
	tokenInvalid = &apiError{403, "InvalidSecurityToken",
		"The security token you provided is invalid."}
	tokenExpired = &apiError{403, "SecurityTokenExpired",
		"The security token you provided has expired."}
	timeExpired          = &apiError{408, "TimeExpired", "The http request you sent is expired."}
	missingAuthorization = &apiError{400, "MissingAuthorizationHeader",
		"Authorization header is required."}
	invalidAuthorization = &apiError{400, "InvalidAuthorizationHeader",
		"The Authorization header format is invalid."}
	missingDate    = &apiError{400, "MissingDateHeader", "Date header is required."}
	invalidDate    = &apiError{400, "InvalidDateHeader", "The Date header format is invalid."}
	missingVersion = &apiError{400, "MissingVersionHeader",
		"x-mns-version header is required."}
	invalidVersion = &apiError{400, "InvalidVersionHeader",
		"The x-mns-version header is not supported."}
	invalidDigest = &apiError{400, "InvalidDegist",
		"The Content-MD5 you specified is invalid."} // the service's spelling
	invalidURL   = &apiError{400, "InvalidRequestURL", "Http request URL format invalid."}
	malformedXML = &apiError{400, "MalformedXML",
		"The XML you provided was not well-formed."}
	missingHandle     = &apiError{400, "MissingReceiptHandle", "ReceiptHandle is required."}
	missingVisibility = &apiError{400, "MissingVisibilityTimeout",
		"VisibilityTimeout is required."}
	messageNotExist = &apiError{404, "MessageNotExist", "Message not exist."}
	handleError     = &apiError{400, "ReceiptHandleError",
		"The receipt handle you provided is not valid."}
	queueNotExist = &apiError{404, "QueueNotExist",
		"The queue name you provided is not exist."}
	queueAlreadyExist = &apiError{409, "QueueAlreadyExist",
		"The queue you want to create is already exist."}
	queueDeletedRecently = &apiError{400, "QueueDeletedRecently",
		"The queue you want to create is deleted recently."}
	invalidQueueName = &apiError{400, "InvalidQueueName", "The queue name you provided is " +
		"invalid. QueueName should start with alphabet and contain only alphabet, digit or -."}
	queueNameLength = &apiError{400, "QueueNameLengthError",
		"QueueName length should between 1 and 120."}
	qpsLimit         = &apiError{400, "QpsLimitExceeded", "Your queue has reached the maximum QPS."}
	internalError    = &apiError{500, "InternalError", "Internal error."}
	methodNotAllowed = &apiError{405, "MethodNotAllowed",
		"The method is not allowed against this resource."}
)

// outOfRange returns the error for a value outside its limits.
func outOfRange(element string, low, high int64) *apiError {
	return &apiError{400, "InvalidArgument",
		fmt.Sprintf("The value of %s should between %d and %d seconds/bytes.", element, low, high)}
}

// notInSchema returns the error for an element that is missing or invalid.
func notInSchema(element string) *apiError {
	return &apiError{400, "InvalidArgument", fmt.Sprintf("The XML you provided did not validate "+
		"against our published schema, cause by %s.", element)}
}

// badQuery returns the error for an invalid query parameter.
func badQuery(name string) *apiError {
	return &apiError{400, "InvalidQueryString",
		fmt.Sprintf("Http request URL contains invalid querystring item %q.", name)}
}

// errorBody is the document of an error.
type errorBody struct {
	XMLName   struct{} `xml:"http://mns.aliyuncs.com/doc/v1/ Error"`
	Code      string
	Message   string
	RequestID string `xml:"RequestId"`
	HostID    string `xml:"HostId"`
}

func (r *apiError) write(w http.ResponseWriter, request *http.Request, id string) {
	writeXML(w, r.status, errorBody{
		Code:      r.code,
		Message:   r.message,
		RequestID: id,
		HostID:    "http://" + request.Host,
	})
}
