package clients_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"reflect"
	"testing"
	"time"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/auth/credentials"
	sdkerrors "github.com/aliyun/alibaba-cloud-sdk-go/sdk/errors"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
	"github.com/aliyun/alibaba-cloud-sdk-go/services/fnf"
)

// longest is longer than the longest long poll. The SDK's own read timeout is 10 s.
const longest = 3 * time.Minute

// goV1 is package services/fnf of alibaba-cloud-sdk-go: typed requests and responses, V1
// signatures.
type goV1 struct {
	c    *fnf.Client
	more goV1Common // for the operation that is newer than this SDK
}

func openGoV1(t *testing.T, l login) client {
	t.Helper()
	c, err := fnf.NewClientWithOptions(region, sdk.NewConfig(), l.goV1())
	if err != nil {
		t.Fatal(err)
	}
	c.Domain = l.at()
	return goV1{c: c, more: openCommon(t, l).(goV1Common)}
}

// goV1 returns the login in the SDK's type.
func (l login) goV1() auth.Credential {
	switch {
	case l.bearer != "":
		return credentials.NewBearerTokenCredential(l.bearer)
	case l.securityToken != "":
		return credentials.NewStsTokenCredential(l.id, l.secret, l.securityToken)
	}
	return credentials.NewAccessKeyCredential(l.id, l.secret)
}

// goV1Requests create the SDK's typed requests.
var goV1Requests = map[string]func() requests.AcsRequest{
	"CreateFlow":     func() requests.AcsRequest { return fnf.CreateCreateFlowRequest() },
	"UpdateFlow":     func() requests.AcsRequest { return fnf.CreateUpdateFlowRequest() },
	"DescribeFlow":   func() requests.AcsRequest { return fnf.CreateDescribeFlowRequest() },
	"DeleteFlow":     func() requests.AcsRequest { return fnf.CreateDeleteFlowRequest() },
	"ListFlows":      func() requests.AcsRequest { return fnf.CreateListFlowsRequest() },
	"StartExecution": func() requests.AcsRequest { return fnf.CreateStartExecutionRequest() },
	"StartSyncExecution": func() requests.AcsRequest {
		return fnf.CreateStartSyncExecutionRequest()
	},
	"StopExecution": func() requests.AcsRequest { return fnf.CreateStopExecutionRequest() },
	"DescribeExecution": func() requests.AcsRequest {
		return fnf.CreateDescribeExecutionRequest()
	},
	"ListExecutions": func() requests.AcsRequest { return fnf.CreateListExecutionsRequest() },
	"GetExecutionHistory": func() requests.AcsRequest {
		return fnf.CreateGetExecutionHistoryRequest()
	},
	"ReportTaskSucceeded": func() requests.AcsRequest {
		return fnf.CreateReportTaskSucceededRequest()
	},
	"ReportTaskFailed": func() requests.AcsRequest {
		return fnf.CreateReportTaskFailedRequest()
	},
	"CreateSchedule": func() requests.AcsRequest { return fnf.CreateCreateScheduleRequest() },
	"UpdateSchedule": func() requests.AcsRequest { return fnf.CreateUpdateScheduleRequest() },
	"DescribeSchedule": func() requests.AcsRequest {
		return fnf.CreateDescribeScheduleRequest()
	},
	"DeleteSchedule": func() requests.AcsRequest { return fnf.CreateDeleteScheduleRequest() },
	"ListSchedules":  func() requests.AcsRequest { return fnf.CreateListSchedulesRequest() },
}

func (g goV1) call(operation string, in params, out any) (map[string]json.RawMessage, error) {
	create := goV1Requests[operation]
	if create == nil {
		return g.more.call(operation, in, out)
	}
	request := create()
	setParams(request, operation, in)
	request.SetReadTimeout(longest)
	results := reflect.ValueOf(g.c).MethodByName(operation).
		Call([]reflect.Value{reflect.ValueOf(request)})
	if err, _ := results[1].Interface().(error); err != nil {
		return nil, goV1Fault(err, g.more.address)
	}
	content := results[0].MethodByName("GetHttpContentString").Call(nil)[0].String()
	body, err := decode([]byte(content), out)
	if err != nil || out == nil {
		return body, err
	}
	return body, agree(operation, reflect.ValueOf(out).Elem(), results[0].Elem())
}

// setParams fills the fields of a typed request. It adds parameters without a field in the way that
// the SDK allows.
func setParams(request requests.AcsRequest, operation string, in params) {
	v := reflect.ValueOf(request).Elem()
	query, form := split(operation, in)
	for name, value := range in {
		text := fmt.Sprint(value)
		if f := v.FieldByName(name); f.IsValid() {
			f.SetString(text) // requests.Integer and requests.Boolean are strings
		} else if _, ok := query[name]; ok {
			request.GetQueryParams()[name] = text
		} else if _, ok := form[name]; ok {
			request.GetFormParams()[name] = text
		}
	}
}

// goV1Fault converts the SDK's error for an error response. The response names the host of the
// request.
func goV1Fault(err error, host string) error {
	var e *sdkerrors.ServerError
	if !errors.As(err, &e) {
		return fmt.Errorf("not a typed error: %w", err)
	}
	if e.HostId() != host {
		return fmt.Errorf("HostId %q of %w", e.HostId(), err)
	}
	return &fault{e.HttpStatus(), e.ErrorCode(), e.Message(), e.RequestId()}
}

// agree checks that the client's typed response has the same values as the body, in all fields that
// both have.
func agree(place string, want, got reflect.Value) error {
	for i := range want.NumField() {
		name := want.Type().Field(i).Name
		w, g := want.Field(i), got.FieldByName(name)
		if !g.IsValid() {
			continue // newer than the client
		}
		if w.Kind() == reflect.Slice {
			if w.Len() != g.Len() {
				return fmt.Errorf("%s.%s: the client reads %d of %d", place, name, g.Len(), w.Len())
			}
			for j := range w.Len() {
				if err := agree(fmt.Sprintf("%s.%s[%d]", place, name, j), w.Index(j),
					g.Index(j)); err != nil {
					return err
				}
			}
		} else if w.Kind() != reflect.Pointer && w.Interface() != g.Interface() {
			return fmt.Errorf("%s.%s: the client reads %v, not %v", place, name, g, w)
		}
	}
	return nil
}
