package sim

import (
	"context"
	"encoding/base64"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"millrace/shared/cloudflow"
	"millrace/shared/fault"
	"millrace/shared/flow"
	"millrace/shared/interp"
	"millrace/shared/task"
)

// forger is a client that reports with tokens that it has no right to use: changed ones,
// combinations of two, tokens of the other account, of tasks that wait for no report, and of
// attempts that are over. No such report may ever be accepted (docs/protocol.md#task-tokens), and
// its error must be the documented one.
type forger struct {
	c    *clients
	r    *rand.Rand
	n    int
	seen []overheard
}

// overheard is a token that a task was given.
type overheard struct {
	account, text string
	run           uint64
	reportable    bool // its task waits for a report
}

// forgery marks every report of a forger. No other text consists of capitals.
const forgery = "F0RGED"

// overhear records the token of a call, in the scheduler's goroutine.
func (c *clients) overhear(r *task.Request) {
	if c.forger == nil {
		return
	}
	token := r.Token
	if token == "" { // an expression gives each task a token, even if the task waits for no report
		_, token, _ = strings.Cut(string(r.Parameters), `"token":"`)
		token, _, _ = strings.Cut(token, `"`)
	}
	if run := c.w.runIn(r.Account, r.Flow, r.Execution); run != nil && token != "" {
		c.forger.seen = append(c.forger.seen, overheard{r.Account, token, run.x.Run,
			r.Mode != flow.RequestComplete})
	}
}

// forge starts a forger.
func (c *clients) forge() {
	c.forger = &forger{c: c, r: c.rand("forger")}
	c.spawn(func() {
		for range 6 + c.forger.r.IntN(8) {
			if !c.sleep(time.Duration(c.forger.r.IntN(15_000)) * time.Millisecond) {
				return
			}
			c.forger.try()
		}
	})
}

// forgeAgain restarts the forger when names are reused: it has the tokens of the runs before.
func (c *clients) forgeAgain(free time.Time) {
	c.spawn(func() {
		c.sleep(time.Until(free) - reuseEarly)
		for range 4 + c.forger.r.IntN(6) {
			if !c.sleep(time.Duration(c.forger.r.IntN(12_000)) * time.Millisecond) {
				return
			}
			c.forger.try()
		}
	})
}

// forged is a report that must not be accepted.
type forged struct {
	who, by, text string
	of            overheard
	over          bool // the token was valid once, and its task is over
}

// try makes one such report, if there is a token to build it from.
func (f *forger) try() {
	f.n++
	try := forged{who: fmt.Sprintf("forger %d", f.n)}
	f.c.note(try.who+" chooses", func() { f.choose(&try) })
	if try.text == "" {
		return
	}
	fails := f.r.IntN(3) == 0
	_, err := request(f.c.w, nil, try.who,
		func(ctx context.Context, s *cloudflow.Service) (int64, error) {
			by := cloudflow.Caller{Account: try.by}
			if fails {
				return s.ReportTaskFailed(ctx, by, cloudflow.ReportTaskFailedRequest{
					TaskToken: try.text, Error: forgery})
			}
			return s.ReportTaskSucceeded(ctx, by, cloudflow.ReportTaskSucceededRequest{
				TaskToken: try.text, Output: `{"by":"` + forgery + `"}`})
		})
	if code := codeOf(err); !retried(code, err) {
		f.c.note(try.who+" is told", func() { f.judge(&try, code) })
	}
}

// choose builds a report.
func (f *forger) choose(try *forged) {
	w := f.c.w
	if len(f.seen) == 0 {
		return
	}
	of := f.seen[f.r.IntN(len(f.seen))]
	if f.r.IntN(2) == 0 {
		of = f.seen[len(f.seen)-1] // its task may still wait
	}
	other := f.seen[f.r.IntN(len(f.seen))]
	try.by, try.of = of.account, of
	switch f.r.IntN(6) {
	case 0:
		try.text = changed(of.text, f.r)
	case 1:
		if try.text = crossed(of.text, other.text); try.text == of.text || try.text == other.text {
			try.text = ""
		}
	case 2:
		if !w.has("another account") {
			return
		}
		if try.text, try.by = of.text, secondAccount; of.account == secondAccount {
			try.by = account
		}
	case 3:
		if n := f.unreportable(); n != nil {
			try.by, try.of, try.text, try.over = n.account, *n, n.text, true
		}
	default:
		if w.isOver(&of) {
			try.text, try.over = of.text, true
		}
	}
}

// unreportable returns the last token of a task that waits for no report; nil if there is none.
func (f *forger) unreportable() *overheard {
	for i := len(f.seen) - 1; i >= 0; i-- {
		if !f.seen[i].reportable {
			return &f.seen[i]
		}
	}
	return nil
}

// isOver reports whether the attempt of a token is over for good. A FlowV1 token names a step whose
// attempts follow each other, so it is over only when the execution is.
func (w *World) isOver(t *overheard) bool {
	token, _ := interp.ParseToken(t.text)
	r := w.runIn(t.account, token.Flow, token.Execution)
	if r == nil || r.x.Run != t.run || r.x.Status.Final() {
		return true
	}
	if r.m.Dialect == flow.FlowV1 {
		return false
	}
	for i := range r.events {
		e := &r.events[i]
		switch e.Type {
		case flow.TaskSucceeded, flow.TaskFailed, flow.TaskSubmitFailed, flow.TaskTimedOut:
			if w.attemptOf(r, e) == token.ID {
				return true
			}
		}
	}
	return false
}

// judge checks the response to a report that must not be accepted.
func (f *forger) judge(try *forged, code fault.Code) {
	w := f.c.w
	w.kinds["report that is not accepted"]++
	w.checked("token")
	token, _ := interp.ParseToken(try.text)
	r := w.runIn(try.by, token.Flow, token.Execution)
	there := r != nil && r.x.Expires > time.Now().UnixMilli()+w.slack()
	switch {
	case code == "":
		w.violate("token",
			"%s: a report was accepted that must not be, of account %s with token %s of %s",
			try.who, try.by, try.text, token.Execution)
	case code == fault.FlowNotExists, code == fault.ExecutionNotExists:
		if there && w.flows.names["f#"+try.by+"#"+token.Flow] == r.x.FlowID &&
			time.Since(r.seen) > requestTimeout {
			w.violate("token", "%s gets %s of %s, which is there", try.who, code,
				token.Execution)
		}
	case code == fault.InvalidArgument:
		if try.over && try.of.reportable && r != nil && r.x.Run == try.of.run && !w.namesReused {
			w.violate("token", "%s gets %s, and the token was one of a task that waited",
				try.who, code)
		}
	case code != fault.TaskAlreadyCompleted || !try.over || r != nil && r.x.Run != try.of.run &&
		time.Since(r.seen) > requestTimeout:
		w.violate("token", "%s gets %s of token %s", try.who, code, try.text)
	}
}

// judgeForgery checks that an event does not come from a forged report.
func (w *World) judgeForgery(r *run, shown string) {
	if w.clients.forger != nil && strings.Contains(shown, forgery) {
		w.violate("token", "%s: a forger has written event %s", r.x.Partition(), shown)
	}
}

// changed returns a token with a change.
func changed(text string, r *rand.Rand) string {
	parts := partsOf(text)
	if parts == nil {
		return text + "="
	}
	switch r.IntN(4) {
	case 0:
		mac, _ := base64.StdEncoding.DecodeString(parts[4])
		mac[r.IntN(len(mac))] ^= 1 << r.IntN(8)
		parts[4] = base64.StdEncoding.EncodeToString(mac)
	case 1:
		parts[3] = fmt.Sprint(1 + r.IntN(40))
	case 2:
		parts[4] = base64.StdEncoding.EncodeToString(make([]byte, 20))
	case 3:
		parts[2] = fmt.Sprintf("x%d", r.IntN(3))
	}
	if made := tokenOf(parts); made != text {
		return made
	}
	return text + "A"
}

// crossed returns a token with the name and the event of one token and the proof of another.
func crossed(a, b string) string {
	first, second := partsOf(a), partsOf(b)
	if first == nil || second == nil {
		return a
	}
	first[4] = second[4]
	return tokenOf(first)
}

func partsOf(token string) []string {
	raw, err := base64.StdEncoding.DecodeString(token)
	parts := strings.Split(string(raw), "#")
	if err != nil || len(parts) != 5 {
		return nil
	}
	return parts
}

func tokenOf(parts []string) string {
	return base64.StdEncoding.EncodeToString([]byte(strings.Join(parts, "#")))
}
