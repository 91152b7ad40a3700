package main

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/queue/mnsqueue/rest"
)

// Attributes of the queues. A timer's message may be delayed for up to six days, so messages are
// kept for longer. A batch of the event stream is processed for at most five minutes.
var (
	stepQueue = rest.Attributes{
		Visibility: 6 * time.Minute,
		Retention:  7 * 24 * time.Hour,
		Polling:    20 * time.Second,
	}
	deadLetters = rest.Attributes{
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

func (k *cloud) queueStep(name string, want rest.Attributes) step {
	c := &rest.Client{Endpoint: k.config.endpoint("mns",
		rest.Endpoint(k.config.account, k.config.region, k.config.vpc)), HTTP: k.http,
		Credentials: func(ctx context.Context) (rest.Credentials, error) {
			got, err := k.credentials(ctx)
			return rest.Credentials(got), err
		}}
	check := func(ctx context.Context) (checkResult, error) {
		got, err := c.GetAttributes(ctx, name)
		switch {
		case rest.Code(err) == "QueueNotExist":
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
				if err := c.CreateQueue(ctx, name, want); rest.Code(err) != "QueueAlreadyExist" {
					return err
				}
			}
			return c.SetAttributes(ctx, name, want)
		},
	}
}
