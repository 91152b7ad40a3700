package clients_test

import (
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"testing"

	openapi "github.com/alibabacloud-go/darabonba-openapi/v2/client"
	openapiutil "github.com/alibabacloud-go/darabonba-openapi/v2/utils"
	"github.com/alibabacloud-go/tea/dara"
	"github.com/alibabacloud-go/tea/tea"
)

// darabonba is the core under alibabacloud-go/fnf-20190315, called as the generated methods of that
// client call it.
type darabonba struct {
	signature string // "v2" signs as V1, "" as V3
	c         *openapi.Client
}

func (d darabonba) open(t *testing.T, l login) client {
	t.Helper()
	config := &openapiutil.Config{Endpoint: dara.String(l.at()), Protocol: dara.String("http"),
		RegionId: dara.String(region)}
	if l.bearer != "" {
		config.BearerToken = dara.String(l.bearer)
	} else {
		config.AccessKeyId, config.AccessKeySecret = dara.String(l.id), dara.String(l.secret)
		if l.securityToken != "" {
			config.SecurityToken = dara.String(l.securityToken)
		}
	}
	c, err := openapi.NewClient(config)
	if err != nil {
		t.Fatal(err)
	}
	if d.signature != "" {
		c.SignatureAlgorithm = dara.String(d.signature)
	} else {
		// errors of the client's own types; with V1 the test checks the older type
		c.DisableSDKError = dara.Bool(true)
	}
	return darabonba{d.signature, c}
}

func (d darabonba) call(operation string, in params, out any) (map[string]json.RawMessage, error) {
	method := http.MethodPost
	if isRead[operation] {
		method = http.MethodGet
	}
	query, form := split(operation, in)
	request := &openapiutil.OpenApiRequest{Query: openapiutil.Query(query)}
	if len(form) > 0 {
		request.Body = openapiutil.ParseToMap(form)
	}
	response, err := d.c.CallApi(&openapiutil.Params{
		Action: dara.String(operation), Version: dara.String(apiVersion),
		Protocol: dara.String("HTTPS"), Pathname: dara.String("/"),
		Method: dara.String(method), AuthType: dara.String("AK"), Style: dara.String("RPC"),
		ReqBodyType: dara.String("formData"), BodyType: dara.String("json"),
	}, request, &dara.RuntimeOptions{})
	if err != nil {
		return nil, darabonbaFault(err)
	}
	headers, _ := response["headers"].(map[string]*string)
	if id, _ := response["body"].(map[string]any)["RequestId"].(string); headers != nil &&
		dara.StringValue(headers["x-acs-request-id"]) != id {
		return nil, fmt.Errorf("x-acs-request-id is %q, RequestId %q",
			dara.StringValue(headers["x-acs-request-id"]), id)
	}
	text, err := json.Marshal(response["body"])
	if err != nil {
		return nil, err
	}
	body, err := decode(text, nil)
	if err != nil || out == nil {
		return body, err
	}
	return body, dara.Convert(response["body"], out)
}

// darabonbaFault converts the client's error for an error response. Its message wraps the
// server's.
func darabonbaFault(err error) error {
	var (
		sdkError    *tea.SDKError
		clientError *openapi.ClientError
		serverError *openapi.ServerError
		r           fault
	)
	switch {
	case errors.As(err, &sdkError):
		var data struct{ RequestId string }
		if err := json.Unmarshal([]byte(tea.StringValue(sdkError.Data)), &data); err != nil {
			return fmt.Errorf("data of %v: %w", sdkError, err)
		}
		r = fault{tea.IntValue(sdkError.StatusCode), tea.StringValue(sdkError.Code),
			tea.StringValue(sdkError.Message), data.RequestId}
	case errors.As(err, &clientError):
		r = fault{dara.IntValue(clientError.StatusCode), dara.StringValue(clientError.Code),
			dara.StringValue(clientError.Message), dara.StringValue(clientError.RequestId)}
	case errors.As(err, &serverError):
		r = fault{dara.IntValue(serverError.StatusCode), dara.StringValue(serverError.Code),
			dara.StringValue(serverError.Message), dara.StringValue(serverError.RequestId)}
	default:
		return fmt.Errorf("not a typed error: %T: %w", err, err)
	}
	r.message = strings.TrimPrefix(r.message, fmt.Sprintf("code: %d, ", r.status))
	r.message = strings.TrimSuffix(r.message, " request id: "+r.requestID)
	return &r
}
