package tablestore

import (
	"fmt"
	"net/http"
)

// Error is an error of the service.
type Error struct {
	Status int // HTTP status
	Code   string
	Text   string
}

func (e *Error) Error() string { return e.Code + ": " + e.Text }

// Transient errors, for faults.
var (
	RowOperationConflict = &Error{http.StatusConflict, "OTSRowOperationConflict",
		"Data is being modified by the other request."}
	ServerBusy           = &Error{http.StatusServiceUnavailable, "OTSServerBusy", "Server is busy."}
	PartitionUnavailable = &Error{http.StatusServiceUnavailable, "OTSPartitionUnavailable",
		"The partition is not available."}
	NotEnoughCapacity = &Error{http.StatusForbidden, "OTSNotEnoughCapacityUnit",
		"Remaining capacity unit is not enough."}
	Timeout           = &Error{http.StatusServiceUnavailable, "OTSTimeout", "Operation timeout."}
	ServerUnavailable = &Error{http.StatusServiceUnavailable, "OTSServerUnavailable",
		"Server is not available."}
	InternalServerError = &Error{http.StatusInternalServerError, "OTSInternalServerError",
		"Internal server error."}
)

var (
	errConditionCheckFail = &Error{http.StatusForbidden, "OTSConditionCheckFail",
		"Condition check failed."}
	errObjectNotExist = &Error{http.StatusNotFound, "OTSObjectNotExist",
		"Requested table does not exist."}
	errObjectAlreadyExist = &Error{http.StatusConflict, "OTSObjectAlreadyExist",
		"Requested table already exists."}
	errTableNotReady = &Error{http.StatusNotFound, "OTSTableNotReady", "The table is not ready."}
	errTooManyTables = &Error{http.StatusForbidden, "OTSQuotaExhausted",
		"Number of tables exceeded the quota."}
	errTooFrequent = &Error{http.StatusForbidden, "OTSQuotaExhausted",
		"Too frequent table operations."}
	errMethodNotAllowed = &Error{http.StatusMethodNotAllowed, "OTSMethodNotAllowed",
		"Only POST method for requests is supported."}
	errBodyTooLarge = &Error{http.StatusRequestEntityTooLarge, "OTSRequestBodyTooLarge",
		"The size of POST data is too large."}
	errRequestTimeout = &Error{http.StatusRequestTimeout, "OTSRequestTimeout", "Request timeout."}
	errNoPermission   = &Error{http.StatusForbidden, "OTSNoPermissionAccess",
		"You have no permission to access the requested resource, " +
			"please contact the resource owner"}
)

func invalid(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "OTSParameterInvalid", fmt.Sprintf(format, args...)}
}

func invalidKey(format string, args ...any) *Error {
	return &Error{http.StatusBadRequest, "OTSInvalidPK", fmt.Sprintf(format, args...)}
}

func authFailed(format string, args ...any) *Error {
	return &Error{http.StatusForbidden, "OTSAuthFailed", fmt.Sprintf(format, args...)}
}
