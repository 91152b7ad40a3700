package main

import (
	"context"
	"errors"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/otsstore"
)

// tablesStep is the table with its indexes.
func (k *cloud) tablesStep() step {
	// The host of an instance that has just been created may be unknown for a while.
	s := otsstore.New(otsstore.Options{Client: k.tablestore(), Table: k.config.table, RetryFor: 30 * time.Second, Encrypted: k.config.encrypted})
	return step{part: "tables", name: "table " + k.config.table + " with its indexes",
		check: func(ctx context.Context) (checkResult, error) {
			if k.instanceMissing {
				return checkResult{state: missing}, nil
			}
			return checkTable(s.CheckTables(ctx))
		},
		apply: func(ctx context.Context, _ checkResult) error { return s.CreateTables(ctx) }}
}

// checkTable reads the answer of CheckTables. A difference may be an index that is missing, which CreateTables adds; of
// any other it says again what is wrong.
func checkTable(err error) (checkResult, error) {
	var refusal *tablestore.OtsError
	switch {
	case err == nil:
		return checkResult{}, nil
	case errors.As(err, &refusal) && refusal.Code == "OTSObjectNotExist":
		return checkResult{state: missing}, nil
	case errors.Unwrap(err) != nil: // the error of a call wraps its cause
		return checkResult{}, err
	}
	return checkResult{outdated, err.Error()}, nil
}

func (k *cloud) tablestore() *otsstore.Client {
	c := k.config
	host := ".ots.aliyuncs.com"
	if c.vpc {
		host = ".vpc.tablestore.aliyuncs.com"
	}
	o := otsstore.ClientOptions{Endpoint: c.endpoint("ots", "https://"+c.instance+"."+c.region+host), Instance: c.instance,
		Credentials: func(ctx context.Context) (otsstore.Credentials, error) {
			got, err := k.credentials(ctx)
			return otsstore.Credentials(got), err
		}}
	if k.http != nil {
		o.Transport = k.http.Transport
	}
	return otsstore.NewClient(o)
}
