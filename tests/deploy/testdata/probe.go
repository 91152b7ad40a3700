//go:build ignore

// Probe prints what the code has that the template and the sample events must match. It runs from
// the repository's root. It prints a JSON object with the table's schema and, for each event file
// named, how the functions parse it.
package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"

	"millrace/shared/events"
	"millrace/shared/queue/sqsqueue"
	"millrace/shared/store/dynamostore"
)

func main() {
	events := map[string]any{}
	for _, name := range os.Args[1:] {
		text, err := os.ReadFile(name)
		if err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		events[filepath.Base(name)] = look(text)
	}
	json.NewEncoder(os.Stdout).Encode(map[string]any{"table": dynamostore.Schema("table"),
		"ttl": dynamostore.TTLAttribute, "events": events})
}

// look parses an event as the function does that receives it.
func look(event []byte) map[string]any {
	out := map[string]any{"kind": events.KindOf(event).String()}
	fail := func(err error) map[string]any {
		if err != nil {
			out["error"] = err.Error()
		}
		return out
	}
	switch events.KindOf(event) {
	case events.HTTPRequest:
		q, err := events.DecodeHTTP(event)
		if err == nil {
			out["request"] = q.Method + " " + q.Path + "?" + q.RawQuery + " " + string(q.Body)
		}
		return fail(err)
	case events.QueueBatch:
		return fail(lookAtBatch(event, out))
	case events.ObjectEvent, events.TestEvent:
		starts, err := events.DecodeStartEvents(event)
		out["starts"] = names(starts)
		return fail(err)
	case events.TickEvent:
		return fail(events.DecodeTick(event))
	}
	return out
}

func lookAtBatch(event []byte, out map[string]any) error {
	messages, err := events.DecodeBatch(event)
	if err != nil {
		return err
	}
	var hints, outcomes, started []string
	for _, m := range messages {
		if p, err := sqsqueue.Decode(m.Body); err == nil {
			hints = append(hints, p)
		} else if o, err := events.DecodeAsyncResult([]byte(m.Body)); err == nil {
			outcomes = append(outcomes, o.RequestID)
		} else if s, err := events.DecodeObjects([]byte(m.Body)); err == nil {
			started = append(started, names(s)...)
		} else {
			return err
		}
	}
	out["hints"], out["outcomes"], out["starts"] = hints, outcomes, started
	return nil
}

func names(starts []events.StartEvent) (all []string) {
	for _, s := range starts {
		all = append(all, s.Bucket+"/"+s.Key)
	}
	return all
}
