package dynamostore

import (
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// explain adds to an error the operation, the table and the region, and what to do if that is
// known.
func (s *Store) explain(op string, err error) error {
	return explain(op, s.o.Table, s.region, err)
}

func explain(op, table, region string, err error) error {
	if advice := advise(err); advice != "" {
		return fmt.Errorf("dynamostore: %s on table %q in region %q: %s: %w", op, table, region,
			advice, err)
	}
	return fmt.Errorf("dynamostore: %s on table %q in region %q: %w", op, table, region, err)
}

// advise returns what to do about an error; "" for errors that pass.
func advise(err error) string {
	var api smithy.APIError
	if !errors.As(err, &api) {
		switch text := err.Error(); {
		case strings.Contains(text, "Missing Region"), strings.Contains(text, "missing region"):
			return "no region is configured; set AWS_REGION"
		case strings.Contains(text, "no such host"):
			return "the service's host is unknown; check the region and the endpoint"
		case strings.Contains(text, "connection refused"):
			return "nothing answers at the endpoint; check it"
		case strings.Contains(text, "credentials"):
			return "there are no usable credentials"
		}
		return ""
	}
	switch code := api.ErrorCode(); code {
	case "ResourceNotFoundException":
		return "there is no such table; deploy the template, or correct the table's name or " +
			"the region"
	case "AccessDeniedException":
		return "a permission is missing; allow GetItem, PutItem, DeleteItem, BatchWriteItem and " +
			"Query on the table and its indexes"
	case "UnrecognizedClientException", "InvalidSignatureException",
		"MissingAuthenticationTokenException",
		"IncompleteSignatureException", "ExpiredTokenException", "InvalidClientTokenId":
		return "the credentials are not valid here; check them, the region and the clock"
	case "ValidationException":
		return adviseSchema(api.ErrorMessage())
	case "ItemCollectionSizeLimitExceededException":
		return "the table has a local index, which bounds a partition to 10 GB; create it from " +
			"the template"
	}
	var throughput *types.ProvisionedThroughputExceededException
	if errors.As(err, &throughput) {
		return "the table is out of capacity; bill it on demand, or raise its capacity and that " +
			"of its indexes"
	}
	return ""
}

// adviseSchema returns what to do if the table differs from Schema.
func adviseSchema(message string) string {
	m := strings.ToLower(message)
	switch {
	case strings.Contains(m, "does not have the specified index"):
		return "the table has no index of that name; it needs the indexes \"wake\" and \"list\", " +
			"create it from the template"
	case strings.Contains(m, "does not match the schema"), strings.Contains(m, "missing the key"),
		strings.Contains(m, "type mismatch for"),
		strings.Contains(m, "does not match schema type"),
		strings.Contains(m, "missed key schema element"),
		strings.Contains(m, "query key condition not supported"):
		return "the table's keys are not those of this program (p and s, strings; index wake: w " +
			"and k, numbers; index list: g and l, strings); create it from the template"
	case strings.Contains(m, "item size"):
		return "a row is longer than DynamoDB takes (400 KB)"
	}
	return ""
}
