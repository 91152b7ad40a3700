package main

import (
	"context"
	"fmt"
	"time"

	"millrace/shared/queue/mnsqueue/rest"
)

// What the queues are. A message that waits for days, for a timer, must not be forgotten: the longest delay is six days. A
// batch of the event stream is under way for five minutes at most.
var (
	stepQueue   = rest.Attributes{Visibility: 6 * time.Minute, Retention: 7 * 24 * time.Hour, Polling: 20 * time.Second}
	deadLetters = rest.Attributes{Visibility: time.Minute, Retention: 7 * 24 * time.Hour, Polling: 0}
)

// queueSteps are the queue of hints and those of dead letters.
func (k *cloud) queueSteps() []step {
	return []step{
		k.queueStep(k.config.prefix, stepQueue),
		k.queueStep(k.config.prefix+"-dead-letters", deadLetters),
		k.queueStep(k.config.prefix+"-event-dead-letters", deadLetters),
	}
}

func (k *cloud) queueStep(name string, want rest.Attributes) step {
	c := &rest.Client{Endpoint: k.config.endpoint("mns", rest.Endpoint(k.config.account, k.config.region, k.config.vpc)), HTTP: k.http,
		Credentials: func(ctx context.Context) (rest.Credentials, error) {
			got, err := k.credentials(ctx)
			return rest.Credentials(got), err
		}}
	look := func(ctx context.Context) (checkResult, error) {
		got, err := c.GetAttributes(ctx, name)
		switch {
		case rest.Code(err) == "QueueNotExist":
			return checkResult{state: missing}, nil
		case err != nil || got == want:
			return checkResult{}, err
		}
		return checkResult{outdated, fmt.Sprintf("visibility %v, retention %v, polling %v", got.Visibility, got.Retention, got.Polling)}, nil
	}
	return step{part: "queues", name: "queue " + name, check: look, apply: func(ctx context.Context, f checkResult) error {
		if f.state == missing {
			if err := c.CreateQueue(ctx, name, want); rest.Code(err) != "QueueAlreadyExist" {
				return err
			}
		}
		return c.SetAttributes(ctx, name, want)
	}}
}
