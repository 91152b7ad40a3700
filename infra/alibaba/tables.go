package main

import (
	"context"
	"errors"
	"time"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/store/otsstore"
)

// tablesStep returns the step of the table and its indexes.
func (k *cloud) tablesStep() step {
	// The host of a new instance may be unknown for a while.
	s := otsstore.New(otsstore.Options{
		Client:    k.tablestore(),
		Table:     k.config.table,
		RetryFor:  30 * time.Second,
		Encrypted: k.config.encrypted,
	})
	return step{part: "tables", name: "table " + k.config.table + " with its indexes",
		check: func(ctx context.Context) (checkResult, error) {
			if k.instanceMissing {
				return checkResult{state: missing}, nil
			}
			return checkTable(s.CheckTables(ctx))
		},
		apply: func(ctx context.Context, _ checkResult) error { return s.CreateTables(ctx) }}
}

// checkTable interprets the error of CheckTables. A difference may be a missing index, which
// CreateTables adds. For any other difference CreateTables returns the error again.
func checkTable(err error) (checkResult, error) {
	var rejection *tablestore.OtsError
	switch {
	case err == nil:
		return checkResult{}, nil
	case errors.As(err, &rejection) && rejection.Code == "OTSObjectNotExist":
		return checkResult{state: missing}, nil
	case errors.Unwrap(err) != nil: // the error of a failed call wraps its cause
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
	o := otsstore.ClientOptions{Endpoint: c.endpoint("ots", "https://"+c.instance+"."+c.region+
		host), Instance: c.instance,
		Credentials: k.credentials}
	if k.http != nil {
		o.Transport = k.http.Transport
	}
	return otsstore.NewClient(o)
}
