package main

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/alibaba/mns"
)

// Attributes of the queues. A timer's message may be delayed for up to six days, so messages are
// kept for longer. A batch of the event stream is processed for at most five minutes.
var (
	stepQueue = mns.Attributes{
		Visibility: 6 * time.Minute,
		Retention:  7 * 24 * time.Hour,
		Polling:    20 * time.Second,
	}
	deadLetters = mns.Attributes{
		Visibility: time.Minute,
		Retention:  7 * 24 * time.Hour,
		Polling:    0,
	}
)

// queueSteps returns the steps of the queue of hints and of the dead-letter queues.
func (k *cloud) queueSteps() []step {
	return []step{
		k.queueStep(k.config.prefix, stepQueue),
		k.queueStep(k.config.prefix+"-dead-letters", deadLetters),
		k.queueStep(k.config.prefix+"-event-dead-letters", deadLetters),
	}
}

func (k *cloud) queueStep(name string, want mns.Attributes) step {
	c := &mns.Client{Endpoint: k.config.endpoint("mns",
		mns.Endpoint(k.config.account, k.config.region, k.config.vpc)), HTTP: k.http,
		Credentials: k.credentials}
	check := func(ctx context.Context) (checkResult, error) {
		got, err := c.GetAttributes(ctx, name)
		switch {
		case mns.Code(err) == "QueueNotExist":
			return checkResult{state: missing}, nil
		case err != nil || got == want:
			return checkResult{}, err
		}
		return checkResult{outdated, fmt.Sprintf("visibility %v, retention %v, polling %v",
			got.Visibility, got.Retention, got.Polling)}, nil
	}
	return step{
		part:  "queues",
		name:  "queue " + name,
		check: check,
		apply: func(ctx context.Context, f checkResult) error {
			if f.state == missing {
				if err := c.CreateQueue(ctx, name, want); mns.Code(err) != "QueueAlreadyExist" {
					return err
				}
			}
			return c.SetAttributes(ctx, name, want)
		},
	}
}
