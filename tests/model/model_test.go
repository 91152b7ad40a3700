// Package model_test runs spin on the models of the commit protocol in this folder (docs/model.md).
// spin searches every state of each model, and must find the mistake in each mutant.
package model_test

import (
	"flag"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

var long = flag.Bool("long", false,
	"search the larger configurations, too (a quarter of an hour, 8 GB)")

// search is a configuration of a model: macros for its text.
type search struct {
	model  string
	macros string
	// live names a liveness property of the model (ltl), checked under weak fairness; "": the
	// search checks that no state breaks a rule.
	live string
	long bool
}

// searches must find no violation in any state.
var searches = []search{
	{model: "commit"},
	{model: "claim", macros: "CRASHES=0 EXPIRIES=0"},
	{model: "claim", macros: "STARTERS=2"},
	{model: "claim", macros: "STARTERS=2 ENGINES=2 CRASHES=0"},
	{model: "outcome", macros: "CRASHES=0"},
	{model: "outcome", macros: "FLOWV1 CRASHES=0"},
	{model: "outcome", macros: "RUNNERS=2 REPORTERS=1 EXPIRIES=1 BRANCHES=0 UNKNOWNS=0"},
	{model: "outcome", macros: "SYNC RUNNERS=2 REPORTERS=0 EXPIRIES=1 TIMEOUTS=1"},
	{model: "outcome", macros: "REPORTERS=1 STOPPERS=1 UNKNOWNS=0"},
	{model: "relay", macros: "CRASHES=1"},
	{model: "sweep", macros: "RUNNERS=1"},
	{model: "sweep", macros: "RUNNERS=1 POISON"},
	{model: "redrive"},

	{model: "commit", macros: "CRASHES=0 UNKNOWNS=1", live: "answered"},
	{model: "claim", macros: "STARTERS=2", live: "answered"},
	{model: "claim", macros: "STARTERS=2", live: "ends"},
	{model: "claim", macros: "STARTERS=2", live: "forgotten"},
	{model: "outcome", macros: "BRANCHES=0 CRASHES=0", live: "answered"},
	{model: "outcome", macros: "BRANCHES=0 CRASHES=0", live: "inboxEntries"},
	{model: "outcome", macros: "BRANCHES=0 REPORTERS=1", live: "again"},
	{model: "outcome", macros: "BRANCHES=0 REPORTERS=1", live: "onward"},
	{model: "relay", macros: "RELAYS=1", live: "delivered"},
	{model: "relay", macros: "RELAYS=1", live: "stops"},
	{model: "sweep", macros: "RUNNERS=1 LOSSES=1 LOOKS=0 REPEATS=0", live: "ends"},
	{model: "sweep", macros: "RUNNERS=1 LOSSES=1 LOOKS=0 REPEATS=0", live: "looked"},
	{model: "sweep", macros: "RUNNERS=1 POISON", live: "ends"},
	{model: "sweep", macros: "RUNNERS=1 POISON", live: "looked"},

	{model: "commit", macros: "CRASHES=2 UNKNOWNS=3", long: true},
	{model: "claim", long: true},
	{model: "claim", macros: "STARTERS=2 ENGINES=2 UNKNOWNS=2", long: true},
	{model: "outcome", macros: "BRANCHES=2", long: true},
	{model: "outcome", macros: "FLOWV1 BRANCHES=2", long: true},
	{model: "outcome", macros: "FLOWV1 RUNNERS=2 REPORTERS=1 EXPIRIES=1 CRASHES=0", long: true},
	{model: "outcome", macros: "RUNNERS=2 REPORTERS=1 EXPIRIES=1", long: true},
	{model: "outcome", macros: "SYNC RUNNERS=2 REPORTERS=0 STOPPERS=1 EXPIRIES=1 TIMEOUTS=1",
		long: true},
	{model: "outcome", macros: "REPORTERS=1 STOPPERS=1 TIMEOUTS=1", long: true},
	{model: "relay", macros: "CRASHES=3 UNKNOWNS=3", long: true},
	{model: "sweep", macros: "RUNNERS=2 CRASHES=0 UNKNOWNS=0 LOSSES=1 LOOKS=0", long: true},
	{model: "sweep", macros: "RUNNERS=1 CRASHES=2 UNKNOWNS=2", long: true},

	{model: "commit", live: "answered", long: true},
	{model: "claim", macros: "CRASHES=0 EXPIRIES=0", live: "answered", long: true},
	{model: "claim", macros: "STARTERS=2 ENGINES=2", live: "ends", long: true},
	{model: "claim", macros: "STARTERS=2 ENGINES=2", live: "forgotten", long: true},
	{model: "outcome", macros: "BRANCHES=0", live: "answered", long: true},
	{model: "outcome", macros: "FLOWV1 BRANCHES=0", live: "answered", long: true},
	{model: "outcome", macros: "BRANCHES=0", live: "inboxEntries", long: true},
	{model: "outcome", macros: "FLOWV1 BRANCHES=0", live: "inboxEntries", long: true},
	{model: "outcome", macros: "RUNNERS=2 REPORTERS=1 EXPIRIES=1 BRANCHES=0", live: "again",
		long: true},
	{model: "outcome", macros: "RUNNERS=2 REPORTERS=1 TIMEOUTS=1 BRANCHES=0", live: "onward",
		long: true},
	{model: "relay", macros: "CRASHES=1", live: "delivered", long: true},
	{model: "relay", macros: "CRASHES=1", live: "stops", long: true},
	{model: "sweep", macros: "RUNNERS=1 LOOKS=0", live: "looked", long: true},
}

// mutants are models with one mistake each, which some state or cycle shows. A mutant that breaks a
// liveness property breaks nothing else: no state breaks a rule, and the model keeps its other
// liveness properties.
var mutants = []struct {
	name string
	search
}{
	{"each writer decides for itself whether a tail is full",
		search{model: "commit", macros: "MUT_FLUSH_AT_WILL"}},
	{"put new events into the history before the commit",
		search{model: "commit", macros: "MUT_HISTORY_BEFORE_COMMIT"}},
	{"put the old tail into the history after the commit",
		search{model: "commit", macros: "MUT_ROW_AFTER_COMMIT"}},
	{"write the state row without a condition",
		search{model: "commit", macros: "MUT_NO_CONDITION"}},
	{"a loser deletes the history that it has put",
		search{model: "commit", macros: "MUT_LOSER_DELETES"}},
	{"read back the last commit's token instead of folding again",
		search{model: "commit", macros: "MUT_READ_BACK_TOKEN"}},
	{"throw the message of a lost race away",
		search{model: "commit", macros: "MUT_DROP_WHEN_LOST"}},

	{"redrive whatever life it is", search{model: "redrive", macros: "MUT_NO_COUNT"}},
	{"do not bind a stop to a life", search{model: "redrive", macros: "MUT_STOP_ANY_LIFE"}},
	{"give the reports of all ends one id", search{model: "redrive", macros: "MUT_ONE_ID"}},

	{"claim what is there", search{model: "claim", macros: "MUT_CLAIM_WHAT_IS_THERE"}},
	{"do not read the claim back", search{model: "claim", macros: "MUT_NO_READ_BACK"}},
	{"a later commit changes the claim's token",
		search{model: "claim", macros: "MUT_COMMIT_CHANGES_CLAIM"}},
	{"know no origin", search{model: "claim", macros: "MUT_NO_ORIGIN"}},
	{"put a claim's value after it", search{model: "claim", macros: "MUT_VALUE_AFTER_CLAIM"}},
	{"forget the run in a commit's condition",
		search{model: "claim", macros: "STARTERS=2 ENGINES=2 MUT_NO_FENCE"}},
	{"forget the run in the keys of the history",
		search{model: "claim", macros: "MUT_NO_RUN_IN_KEYS"}},
	{"believe the index that a row has expired", search{model: "claim", macros: "MUT_TRUST_INDEX"}},
	{"delete the state row without a condition",
		search{model: "claim", macros: "MUT_DELETE_WITHOUT_CONDITION"}},
	{"leave the values of lost claims", search{model: "claim", macros: "MUT_LEAVE_ORPHANS"}},
	{"leave the rows of a run whose name is another's",
		search{model: "claim", macros: "MUT_LEAVE_OTHER_RUNS"}},

	{"call before the commit",
		search{model: "outcome", macros: "SYNC RUNNERS=2 REPORTERS=0 MUT_CALL_BEFORE_COMMIT"}},
	{"take a call again while its lease runs",
		search{model: "outcome", macros: "SYNC RUNNERS=2 REPORTERS=0 MUT_TAKE_WHILE_LEASED"}},
	{"throw the results of a lost race away",
		search{model: "outcome", macros: "SYNC RUNNERS=2 REPORTERS=0 MUT_DROP_RESULT"}},
	{"know no marks", search{model: "outcome", macros: "MUT_NO_MARKS"}},
	{"take what is in the inbox for accepted",
		search{model: "outcome", macros: "MUT_LETTER_IS_DONE"}},
	{"take another sender's inbox entry for a closed attempt",
		search{model: "outcome", macros: "MUT_OTHERS_ENTRY_IS_DONE"}},
	{"apply a report again for whichever attempt is open",
		search{model: "outcome", macros: "FLOWV1 MUT_TOKEN_AGAIN"}},
	{"an inbox entry is for whichever attempt is open",
		search{model: "outcome", macros: "FLOWV1 MUT_INBOX_NAMES_ENTRY"}},

	{"forget the outbox at the end", search{model: "relay", macros: "MUT_FORGET_OUTBOX"}},
	{"relay before the commit", search{model: "relay", macros: "MUT_RELAY_BEFORE_COMMIT"}},
	{"clear the outbox before it is relayed",
		search{model: "relay", macros: "MUT_CLEAR_BEFORE_RELAY"}},
	{"take what was not delivered for delivered",
		search{model: "relay", macros: "MUT_TAKE_FOR_DELIVERED"}},
	{"a child's end is for whichever attempt is open",
		search{model: "relay", macros: "MUT_END_NAMES_ENTRY"}},

	{"no wake time while work is ready",
		search{model: "sweep", macros: "RUNNERS=1 MUT_NO_WAKE_AT_START"}},
	{"no wake time for a lease",
		search{model: "sweep", macros: "RUNNERS=1 MUT_NO_WAKE_FOR_LEASES"}},
	{"keep a wake time that is later than needed",
		search{model: "sweep", macros: "RUNNERS=1 MUT_KEEP_WAKE"}},
	{"a sweeper that remembers what it has seen to",
		search{model: "sweep", macros: "RUNNERS=1 MUT_SWEEP_ONCE"}},
	{"put off what the index shows as due, unread",
		search{model: "sweep", macros: "RUNNERS=1 MUT_TRUST_INDEX"}},
	{"count each try of a round as a runner that begins",
		search{model: "sweep", macros: "RUNNERS=1 MUT_COUNT_EACH_TRY"}},
	{"do not set the counts back", search{model: "sweep", macros: "RUNNERS=1 MUT_KEEP_COUNTS"}},

	{"a loser does not load again",
		search{model: "commit", macros: "WRITERS=2 MUT_KEEP_WHAT_WAS_LOADED", live: "answered"}},
	{"apply again what is in",
		search{model: "commit", macros: "WRITERS=2 MUT_NO_ANSWER_FOR_THE_CLOSED",
			live: "answered"}},
	{"a start waits for the name to become free",
		search{model: "claim", macros: "CRASHES=0 UNKNOWNS=0 EXPIRIES=0 MUT_WAIT_FOR_THE_NAME",
			live: "answered"}},
	{"a row of the history is taken for a commit",
		search{model: "claim", macros: "STARTERS=2 UNKNOWNS=0 EXPIRIES=0 MUT_ROW_MEANS_COMMITTED",
			live: "ends"}},
	{"put off what has nothing left",
		search{model: "claim", macros: "STARTERS=2 CRASHES=0 UNKNOWNS=0 EXPIRIES=0 " +
			"MUT_PUT_OFF_WHAT_IS_EMPTY", live: "forgotten"}},
	{"a sender whose message waits in the inbox looks for it alone",
		search{model: "outcome", macros: "CRASHES=0 BRANCHES=0 MUT_WAIT_FOR_THE_MARK",
			live: "answered"}},
	{"keep inbox entries that came too late",
		search{model: "outcome", macros: "CRASHES=0 BRANCHES=0 MUT_KEEP_LATE_ENTRIES",
			live: "inboxEntries"}},
	{"prolong the lease of a caller that is gone",
		search{model: "outcome", macros: "REPORTERS=1 BRANCHES=0 MUT_RENEW_THE_LEASE",
			live: "again"}},
	{"the pause before the next try begins anew at each look",
		search{model: "outcome", macros: "REPORTERS=1 BRANCHES=0 MUT_PAUSE_ANEW", live: "onward"}},
	{"bring again what was refused for good",
		search{model: "relay", macros: "RELAYS=1 CRASHES=1 UNKNOWNS=1 MUT_BRING_WHAT_IS_REFUSED",
			live: "delivered"}},
	{"look for ever for a child to stop that never comes",
		search{model: "relay", macros: "RELAYS=1 CRASHES=1 UNKNOWNS=1 MUT_STOP_WHAT_NEVER_COMES",
			live: "stops"}},
	{"no hint for what has ended",
		search{model: "sweep", macros: "RUNNERS=1 LOSSES=1 LOOKS=0 REPEATS=0 " +
			"MUT_NO_HINT_AFTER_THE_END", live: "looked"}},
	{"count nobody who begins", search{model: "sweep", macros: "RUNNERS=1 POISON MUT_COUNT_NOTHING",
		live: "ends"}},
}

// depth is the length of the longest path that a search follows. A search with a longer path fails.
const depth = "1000000"

var (
	errorsOf = regexp.MustCompile(`depth reached (\d+), errors: (\d+)`)
	statesOf = regexp.MustCompile(`(\d+) states, stored`)
	memoryOf = regexp.MustCompile(`([\d.]+)\s+total actual memory`)
	violated = regexp.MustCompile(`(?m)^pan:1: (.*)$`)
	promised = regexp.MustCompile(`(?m)^ltl (\w+)`)
	nowhere  = regexp.MustCompile(`(?m)^\t(\w+\.pml:\d+), state \d+, "(.*)"$`)
)

// result is the result of a search.
type result struct {
	folder             string
	first              string // violation; "" if there is none
	unreached          []string
	depth, states, mib string
}

// defines returns the macros of a search as arguments of spin and gcc.
func (s search) defines() []string {
	macros := strings.Fields(s.macros)
	for i, m := range macros {
		macros[i] = "-D" + m
	}
	if s.live != "" {
		macros = append(macros, "-DLIVE")
	}
	return macros
}

// promises returns the names of the model's liveness properties.
func (s search) promises(t *testing.T) (names []string) {
	t.Helper()
	text, err := os.ReadFile(s.model + ".pml")
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range promised.FindAllStringSubmatch(string(text), -1) {
		names = append(names, m[1])
	}
	return names
}

// run searches a model completely, or up to the first violation: of the liveness property live, or
// of any rule if live is "".
func (s search) run(t *testing.T, optimize, live string) result {
	t.Helper()
	dir := t.TempDir()
	text, err := os.ReadFile(s.model + ".pml")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, s.model+".pml"), text, 0o600); err != nil {
		t.Fatal(err)
	}
	do := func(name string, args ...string) string {
		c := exec.Command(name, args...)
		c.Dir = dir
		out, err := c.CombinedOutput()
		if err != nil {
			t.Fatalf("%s %s: %v\n%s", name, strings.Join(args, " "), err, out)
		}
		return string(out)
	}
	do("spin", append(append([]string{"-a"}, s.defines()...), s.model+".pml")...)
	compile := []string{optimize, "-w", "-DCOLLAPSE", "-DMEMLIM=12000", "-o", "pan", "pan.c"}
	check := []string{"-m" + depth}
	if live != "" {
		compile, check = append(compile, "-DNOREDUCE", "-DNFAIR=3"),
			append(check, "-a", "-f", "-N", live)
	} else {
		compile = append(compile, "-DSAFETY", "-DNOCLAIM")
	}
	do("gcc", compile...)
	out := do("./pan", check...)
	found := errorsOf.FindStringSubmatch(out)
	states, memory := statesOf.FindStringSubmatch(out), memoryOf.FindStringSubmatch(out)
	switch {
	case found == nil || states == nil || memory == nil:
		t.Fatalf("no result:\n%s", out)
	case strings.Contains(out, "max search depth too small"),
		strings.Contains(out, "Search not completed") && found[2] == "0",
		strings.Contains(out, "hash conflicts") && strings.Contains(out, "BITSTATE"):
		t.Fatalf("the search was cut short:\n%s", out)
	}
	r := result{folder: dir, depth: found[1], states: states[1], mib: memory[1]}
	if found[2] != "0" {
		r.first = "?"
		if v := violated.FindStringSubmatch(out); v != nil {
			r.first = v[1]
		}
	}
	for _, m := range nowhere.FindAllStringSubmatch(out, -1) {
		if m[2] != "-end-" {
			r.unreached = append(r.unreached, fmt.Sprintf("%s: %s", m[1], m[2]))
		}
	}
	return r
}

// tools checks that spin and gcc are installed. They may be missing if the command line does not
// ask for the models.
func tools(t *testing.T) {
	t.Helper()
	for _, name := range []string{"spin", "gcc"} {
		if _, err := exec.LookPath(name); err != nil {
			if os.Getenv("CI") == "" && os.Getenv("MILLRACE_MODEL") == "" {
				t.Skipf("%s is missing: make model installs it", name)
			}
			t.Fatalf("%s is missing: tests/model/run.sh installs it", name)
		}
	}
}

// TestModels searches every state of each model.
func TestModels(t *testing.T) {
	tools(t)
	unreached := map[string][]string{}
	for _, s := range searches {
		if s.long && !*long {
			continue
		}
		t.Run(strings.TrimSpace(s.model+" "+s.live)+" "+s.macros, func(t *testing.T) {
			optimize := "-O1"
			if s.long {
				optimize = "-O2"
			}
			r := s.run(t, optimize, s.live)
			if r.first != "" {
				t.Fatalf("%s\n%s", r.first, s.trail(t, r))
			}
			t.Logf("%s states, depth %s, %s MiB", r.states, r.depth, r.mib)
			if before, ok := unreached[s.model]; ok {
				r.unreached = slices.DeleteFunc(before, func(line string) bool {
					return !slices.Contains(r.unreached, line)
				})
			}
			unreached[s.model] = r.unreached
		})
	}
	// The rest are expansions of an inline with arguments for which one of its branches does not
	// exist (docs/model.md).
	for model, lines := range unreached {
		for _, line := range lines {
			t.Logf("no search of %s reaches %s", model, line)
		}
	}
}

// trail returns the path to a violation, replayed by spin.
func (s search) trail(t *testing.T, r result) string {
	args := append([]string{"-t", "-p", "-g"}, s.defines()...)
	c := exec.Command("spin", append(args, s.model+".pml")...)
	c.Dir = r.folder
	out, err := c.CombinedOutput()
	if err != nil {
		t.Logf("spin -t: %v", err)
	}
	return string(out)
}

// TestMutants checks that spin finds each mistake.
func TestMutants(t *testing.T) {
	tools(t)
	for _, m := range mutants {
		t.Run(m.name, func(t *testing.T) {
			t.Parallel()
			r := m.run(t, "-O0", m.live)
			if r.first == "" {
				t.Fatalf("nothing is wrong in %s states", r.states)
			}
			t.Log(r.first)
			if m.live == "" {
				return
			}
			if !strings.HasPrefix(r.first, "acceptance cycle") {
				t.Error("no promise is broken, but a rule")
			}
			for _, other := range append(m.promises(t), "") {
				if other == m.live {
					continue
				}
				if r := m.run(t, "-O0", other); r.first != "" {
					t.Errorf("%q shows it, too: %s", other, r.first)
				}
			}
		})
	}
}

// TestEveryPromiseIsSearched: a search checks each liveness property of the models, and some mutant
// breaks it.
func TestEveryPromiseIsSearched(t *testing.T) {
	for _, model := range []string{"claim", "commit", "outcome", "relay", "sweep"} {
		names := search{model: model}.promises(t)
		if len(names) == 0 {
			t.Errorf("%s promises nothing", model)
		}
		for _, name := range names {
			is := func(s search) bool { return s.model == model && s.live == name && !s.long }
			if !slices.ContainsFunc(searches, is) {
				t.Errorf("%s: nothing searches for %s", model, name)
			}
			broken := false
			for _, m := range mutants {
				broken = broken || is(m.search)
			}
			if !broken {
				t.Errorf("%s: no mutant breaks %s", model, name)
			}
		}
	}
}

// TestEveryMutantRuns: mutants lists every mistake that the models can contain.
func TestEveryMutantRuns(t *testing.T) {
	files, err := filepath.Glob("*.pml")
	if err != nil || len(files) == 0 {
		t.Fatal(files, err)
	}
	for _, file := range files {
		text, err := os.ReadFile(file)
		if err != nil {
			t.Fatal(err)
		}
		for _, macro := range regexp.MustCompile(`MUT_[A-Z_]+`).FindAllString(string(text), -1) {
			listed := false
			for _, m := range mutants {
				listed = listed || m.model+".pml" == file &&
					slices.Contains(strings.Fields(m.macros), macro)
			}
			if !listed {
				t.Errorf("%s: %s is not run", file, macro)
			}
		}
	}
}
