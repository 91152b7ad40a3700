package main

import (
	"context"
	"fmt"
	"slices"
)

// scenarios lists what the program measures, in this order.
var scenarios = []struct {
	name    string
	measure func(b *bench, ctx context.Context) error
}{
	{"one-task", (*bench).oneTask},
	{"five-tasks", (*bench).fiveTasks},
	{"parallel-http", (*bench).parallelHTTP},
	{"parallel-pass", (*bench).parallelPass},
	{"start", (*bench).start},
	{"low-load", (*bench).lowLoad},
	{"map", (*bench).mapItems},
	{"waiting", (*bench).waits},
	{"schedules", (*bench).schedulesDue},
	{"list", (*bench).list},
	{"console", (*bench).console},
}

func scenarioNames() []string {
	var names []string
	for _, s := range scenarios {
		names = append(names, s.name)
	}
	return names
}

// measure runs the scenarios of the command line.
func (b *bench) measure(ctx context.Context) error {
	for _, s := range scenarios {
		if len(b.scenarios) > 0 && !slices.Contains(b.scenarios, s.name) {
			continue
		}
		b.say("%s …", s.name)
		if err := s.measure(b, ctx); err != nil {
			return fmt.Errorf("%s: %w", s.name, err)
		}
	}
	return nil
}
