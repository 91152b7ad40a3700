package otsstore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"
)

// Commands that repair the fault on Alibaba Cloud, and the variables that configure them there
// (docs/alibaba.md).
const (
	fixTables   = " (go run ./infra/alibaba -only tables)"
	fixInstance = " (go run ./infra/alibaba -only instance; MILLRACE_INSTANCE, " +
		"ALIBABA_CLOUD_REGION_ID)"
	fixNames = " (go run ./infra/alibaba -only tables; MILLRACE_TABLE, MILLRACE_INSTANCE, " +
		"ALIBABA_CLOUD_REGION_ID)"
	fixRoles = " (go run ./infra/alibaba -only roles)"
)

// explain adds to an error the operation, the table, the instance and the endpoint, and what to do
// if that is known.
func (s *Store) explain(op string, err error) error {
	where := fmt.Sprintf("otsstore: %s on table %q of instance %q at %s", op, s.o.Table,
		s.o.Client.o.Instance, s.o.Client.o.Endpoint)
	if advice := advise(op, err); advice != "" {
		return fmt.Errorf("%s: %s: %w", where, advice, err)
	}
	return fmt.Errorf("%s: %w", where, err)
}

// advise returns what to do about an error; "" for errors that pass.
func advise(op string, err error) string {
	var ots *tablestore.OtsError
	if !errors.As(err, &ots) {
		return adviseTransport(err)
	}
	switch ots.Code {
	case codeNoObject:
		if _, index, ok := strings.Cut(op, "GetRange "); ok {
			return "there is no such table or index; create the tables, which adds its " + index +
				" index to an older table and loses nothing" + fixTables
		}
		return "there is no such table or index; create the tables, or correct the table's name, " +
			"the instance or the endpoint" + fixNames
	case codeTableNotReady:
		return "the table has just been created and is not ready; try again in a minute"
	case codeAuth:
		return adviseAuth(ots.Message)
	case codeNoPermission:
		return "a permission is missing; allow ots:GetRow, ots:PutRow, ots:DeleteRow, " +
			"ots:BatchWriteRow and ots:GetRange on the table and its indexes" + fixRoles
	case "OTSNotEnoughCapacityUnit", "OTSCapacityUnitExhausted":
		return "the table is out of capacity; use an instance that bills by request, or reserve " +
			"more for the table"
	case codeQuota:
		return "the instance has as many tables as it may have, or too many table operations a " +
			"second; delete tables, or try again later"
	case "OTSInvalidPK":
		return adviseSchema
	case "OTSParameterInvalid":
		return adviseParameter(ots.Message)
	case "OTSOutOfRowSizeLimit", "OTSRequestBodyTooLarge":
		return "a row is longer than TableStore takes (2 MB a value, 4 MB a request)"
	}
	return ""
}

// adviseTransport returns what to do about errors on the way to the service.
func adviseTransport(err error) string {
	switch text := err.Error(); {
	case errors.Is(err, errNoCredentials):
		return "there are no usable credentials; give the function a role, or set an access key"
	case strings.Contains(text, "no such host"):
		return "the service's host is unknown; check the instance and the region in the endpoint " +
			"(MILLRACE_INSTANCE, ALIBABA_CLOUD_REGION_ID), and whether a VPC endpoint is used " +
			"outside its VPC"
	case strings.Contains(text, "connection refused"):
		return "nothing answers at the endpoint; check it"
	case strings.Contains(text, "unsupported protocol scheme"),
		strings.Contains(text, "missing protocol scheme"):
		return "the endpoint is no URL; it looks like https://INSTANCE.REGION.ots.aliyuncs.com"
	}
	return ""
}

func adviseAuth(message string) string {
	switch m := strings.ToLower(message); {
	case strings.Contains(m, "token"):
		return "the STS token has expired or is not valid; the provider of the credentials must " +
			"fetch new ones, which the next request uses"
	case strings.Contains(m, "instance is not found"),
		strings.Contains(m, "instance does not exist"):
		return "there is no such instance at this endpoint; create it, or correct its name or " +
			"the region in the endpoint" + fixInstance
	case strings.Contains(m, "instance is not running"):
		return "the instance is not running; it may have been stopped, or the account is overdue"
	case strings.Contains(m, "privilege"), strings.Contains(m, "permission"):
		return "the access key has no permission for this instance; allow it ots actions on the " +
			"instance's tables" + fixRoles
	case strings.Contains(m, "acl"):
		return "the instance does not take requests from this network; allow it, or use the " +
			"endpoint of the VPC"
	case strings.Contains(m, "system time"):
		return "the clock of this machine is wrong; set it"
	case strings.Contains(m, "signature"):
		return "the secret is not the access key's; check both, and the STS token that belongs " +
			"to them"
	}
	return "the access key is not valid here; check it, the account and the region"
}

// adviseSchema is what to do if the table differs from Schema.
const adviseSchema = "the table's keys are not those of this program (p and s, strings; index " +
	"for waking: w and k, integers; index for listing: " +
	"g and l, strings): is it another program's? Create the tables under another name " +
	"(MILLRACE_TABLE)"

func adviseParameter(message string) string {
	switch m := strings.ToLower(message); {
	case strings.Contains(m, "primary key"), strings.Contains(m, "defined column"),
		strings.Contains(m, "pk "):
		return adviseSchema
	case strings.Contains(m, "exceeds"), strings.Contains(m, "limit"):
		return "a row is longer than TableStore takes (2 MB a value, 4 MB a request)"
	}
	return ""
}
