package main

import (
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/signal"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	err := run(ctx, os.Args[1:], os.Stdout, os.Stderr)
	if errors.Is(err, flag.ErrHelp) {
		os.Exit(2)
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "bench:", err)
		os.Exit(1)
	}
}

// run is the program. If the first argument is a role, the process is a child that acts as one of
// the servers.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) error {
	if len(args) > 0 {
		if role := roles[args[0]]; role != nil {
			return role(ctx, args[1:])
		}
	}
	o, err := parse(args, stderr)
	if err != nil {
		return err
	}
	b, err := newBench(ctx, o, stderr)
	if err != nil {
		return err
	}
	err = b.measure(ctx)
	if len(b.report.Figures) > 0 { // figures measured before a failure are still worth showing
		err = errors.Join(err, b.write(stdout))
	}
	return errors.Join(err, b.close())
}

// options holds the command line.
type options struct {
	scenarios  []string
	length     time.Duration
	clients    []int
	json       bool
	binary     string
	dir        string
	profile    string
	executions int // number of executions for the listing
	waiting    int // number of executions that wait on a callback
	items      int // number of items of the Map
	schedules  int // number of schedules that are due in one second
}

func parse(args []string, stderr io.Writer) (*options, error) {
	o := &options{}
	f := flag.NewFlagSet("bench", flag.ContinueOnError)
	f.SetOutput(stderr)
	names := f.String("scenario", "",
		"only these `NAMES`, with commas between: "+strings.Join(scenarioNames(), ", "))
	seconds := f.Float64("seconds", 4, "how long each rate is measured")
	clients := f.String("clients", "",
		"`NUMBERS` of clients instead of each scenario's own, with commas between")
	f.BoolVar(&o.json, "json", false, "write JSON instead of a table")
	f.StringVar(&o.binary, "binary", "",
		"`PROGRAM` to measure, millrace; default: the server in a process of this program")
	f.StringVar(&o.dir, "dir", "",
		"`FOLDER` for the data, on the disk that is to be measured; default: a temporary one here")
	f.StringVar(&o.profile, "profile", "",
		"write a CPU profile of the server to this `FILE`; with one scenario and one number of "+
			"clients")
	big := f.Bool("big", false, "list among 1,000,000 executions instead of 100,000")
	f.IntVar(&o.executions, "executions", 100_000, "list among so many executions")
	f.IntVar(&o.waiting, "waiting", 100_000, "so many executions wait on a callback")
	f.IntVar(&o.items, "items", 10_000, "items of the Map")
	f.IntVar(&o.schedules, "schedules", 10_000, "so many schedules are due in the same second")
	if err := f.Parse(args); err != nil {
		return nil, err
	}
	if f.NArg() > 0 {
		return nil, fmt.Errorf("what is %q? -h lists the flags", f.Arg(0))
	}
	if *big {
		o.executions = 1_000_000
	}
	if o.length = time.Duration(*seconds * float64(time.Second)); o.length < 10*time.Millisecond ||
		o.length > time.Hour {
		return nil, errors.New("-seconds must be from 0.01 to 3600")
	}
	if o.executions < 1 || o.waiting < 1 || o.items < 1 || o.schedules < 1 {
		return nil, errors.New("-executions, -waiting, -items and -schedules must be above 0")
	}
	if o.profile != "" && o.binary != "" {
		return nil, errors.New("-profile needs the server of this program: leave -binary out")
	}
	return o, o.lists(*names, *clients)
}

// lists parses the flags that are lists.
func (o *options) lists(names, clients string) error {
	for name := range strings.SplitSeq(names, ",") {
		if name == "" {
			continue
		}
		if !slices.Contains(scenarioNames(), name) {
			return fmt.Errorf("there is no scenario %q; there are %s", name,
				strings.Join(scenarioNames(), ", "))
		}
		o.scenarios = append(o.scenarios, name)
	}
	for text := range strings.SplitSeq(clients, ",") {
		if text == "" {
			continue
		}
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 || n > 10_000 {
			return fmt.Errorf("-clients: %q is no number from 1 to 10000", text)
		}
		o.clients = append(o.clients, n)
	}
	return nil
}

func (b *bench) write(w io.Writer) error {
	if b.json {
		e := json.NewEncoder(w)
		e.SetIndent("", "  ")
		return e.Encode(b.report)
	}
	return b.report.Write(w)
}
