package dynamostore

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/smithy-go"
)

// Names of the indexes, and of the TTL attribute.
const (
	IndexWake    = "wake"
	IndexList    = "list"
	TTLAttribute = attrTTL
)

// Schema describes the table that a Store needs: keys, indexes with few projected attributes,
// on-demand billing. The templates describe the same table.
func Schema(table string) *dynamodb.CreateTableInput {
	kinds := []struct {
		name string
		kind types.ScalarAttributeType
	}{
		{attrPartition, types.ScalarAttributeTypeS}, {attrSort, types.ScalarAttributeTypeS},
		{attrShard, types.ScalarAttributeTypeN}, {attrWake, types.ScalarAttributeTypeN},
		{attrGroup, types.ScalarAttributeTypeS}, {attrListSort, types.ScalarAttributeTypeS},
	}
	in := &dynamodb.CreateTableInput{
		TableName:   &table,
		BillingMode: types.BillingModePayPerRequest,
		KeySchema:   keySchema(attrPartition, attrSort),
		GlobalSecondaryIndexes: []types.GlobalSecondaryIndex{
			{IndexName: aws.String(IndexWake), KeySchema: keySchema(attrShard, attrWake),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeKeysOnly}},
			{IndexName: aws.String(IndexList), KeySchema: keySchema(attrGroup, attrListSort),
				Projection: &types.Projection{ProjectionType: types.ProjectionTypeInclude,
					NonKeyAttributes: []string{attrFields}}},
		},
	}
	for _, k := range kinds {
		in.AttributeDefinitions = append(in.AttributeDefinitions,
			types.AttributeDefinition{AttributeName: aws.String(k.name), AttributeType: k.kind})
	}
	return in
}

func keySchema(hash, sort string) []types.KeySchemaElement {
	return []types.KeySchemaElement{{AttributeName: &hash, KeyType: types.KeyTypeHash},
		{AttributeName: &sort, KeyType: types.KeyTypeRange}}
}

// createTime is how long CreateTable waits until the table exists.
const createTime = 5 * time.Minute

// CreateTable creates the table of Schema and enables its time to live. If the table exists,
// CreateTable checks its schema. It returns when the table can be used. If the service has no time
// to live, as emulators, the table has none.
func CreateTable(ctx context.Context, client *dynamodb.Client, table string) error {
	region := client.Options().Region
	_, err := client.CreateTable(ctx, Schema(table))
	var exists *types.ResourceInUseException
	if err != nil && !errors.As(err, &exists) {
		return explain("CreateTable", table, region, err)
	}
	wait := dynamodb.NewTableExistsWaiter(client, func(o *dynamodb.TableExistsWaiterOptions) {
		o.MinDelay, o.MaxDelay = 20*time.Millisecond, 5*time.Second
	})
	if err := wait.Wait(
		ctx, &dynamodb.DescribeTableInput{TableName: &table}, createTime,
	); err != nil {
		return explain("CreateTable", table, region, err)
	}
	if err := CheckTable(ctx, client, table); err != nil {
		return err
	}
	return enableTTL(ctx, client, table)
}

func enableTTL(ctx context.Context, client *dynamodb.Client, table string) error {
	const op = "UpdateTimeToLive"
	region := client.Options().Region
	var api smithy.APIError
	now, err := client.DescribeTimeToLive(ctx, &dynamodb.DescribeTimeToLiveInput{TableName: &table})
	if errors.As(err, &api) && api.ErrorCode() == "UnknownOperationException" {
		return nil
	} else if err != nil {
		return explain(op, table, region, err)
	}
	if d := now.TimeToLiveDescription; d != nil && aws.ToString(d.AttributeName) == TTLAttribute {
		return nil
	}
	_, err = client.UpdateTimeToLive(ctx, &dynamodb.UpdateTimeToLiveInput{TableName: &table,
		TimeToLiveSpecification: &types.TimeToLiveSpecification{
			AttributeName: aws.String(TTLAttribute), Enabled: aws.Bool(true)}})
	if errors.As(err, &api) && api.ErrorCode() == "UnknownOperationException" {
		return nil
	} else if err != nil {
		return explain(op, table, region, err)
	}
	return nil
}

// CheckTable compares the table with Schema and reports what differs: keys and their types, indexes
// and their projections.
func CheckTable(ctx context.Context, client *dynamodb.Client, table string) error {
	out, err := client.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &table})
	if err != nil {
		return explain("DescribeTable", table, client.Options().Region, err)
	}
	want, got := Schema(table), out.Table
	wrong := func(what, want, got string) error {
		return fmt.Errorf(
			"dynamostore: table %q: %s: want %s, the table has %s; it cannot be changed, create "+
				"another one from the template",
			table, what, want, got)
	}
	if w, g := keyText(want.KeySchema, want.AttributeDefinitions), keyText(
		got.KeySchema, got.AttributeDefinitions,
	); w != g {
		return wrong("keys", w, g)
	}
	indexes := map[string]string{}
	for _, i := range got.GlobalSecondaryIndexes {
		indexes[aws.ToString(i.IndexName)] = keyText(i.KeySchema, got.AttributeDefinitions) +
			projectionText(i.Projection)
	}
	for _, i := range want.GlobalSecondaryIndexes {
		name := aws.ToString(i.IndexName)
		if w, g := keyText(i.KeySchema, want.AttributeDefinitions)+projectionText(
			i.Projection), indexes[name]; w != g {
			return wrong("index "+name, w, "("+g+")")
		}
	}
	return nil
}

// keyText formats keys as "p:S,s:S".
func keyText(keys []types.KeySchemaElement, attributes []types.AttributeDefinition) (text string) {
	for i, k := range keys {
		if i > 0 {
			text += ","
		}
		name := aws.ToString(k.AttributeName)
		text += name + ":"
		for _, a := range attributes {
			if aws.ToString(a.AttributeName) == name {
				text += string(a.AttributeType)
			}
		}
	}
	return text
}

func projectionText(p *types.Projection) string {
	if p == nil {
		return ""
	}
	return fmt.Sprint(" ", p.ProjectionType, " ", p.NonKeyAttributes)
}
