package clients_test

import (
	"encoding/json"
	"maps"
	"testing"

	"github.com/aliyun/alibaba-cloud-sdk-go/sdk"
	"github.com/aliyun/alibaba-cloud-sdk-go/sdk/requests"
)

// goV1Common is the CommonRequest of alibaba-cloud-sdk-go, which the aliyun command line sends too.
type goV1Common struct {
	c       *sdk.Client
	address string
}

func openCommon(t *testing.T, l login) client {
	t.Helper()
	c, err := sdk.NewClientWithOptions(region, sdk.NewConfig(), l.goV1())
	if err != nil {
		t.Fatal(err)
	}
	return goV1Common{c, l.at()}
}

func (g goV1Common) call(operation string, in params, out any) (map[string]json.RawMessage, error) {
	request := requests.NewCommonRequest()
	request.Domain, request.Product, request.Version, request.ApiName = g.address, "fnf",
		apiVersion, operation
	request.Scheme = requests.HTTP
	request.Method = requests.POST
	if isRead[operation] {
		request.Method = requests.GET
	}
	query, form := split(operation, in)
	maps.Copy(request.QueryParams, texts(query))
	maps.Copy(request.FormParams, texts(form))
	request.SetReadTimeout(longest)
	response, err := g.c.ProcessCommonRequest(request)
	if err != nil {
		return nil, goV1Fault(err, g.address)
	}
	return decode([]byte(response.GetHttpContentString()), out)
}
