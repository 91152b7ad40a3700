package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/cookiejar"
	"net/url"
	"regexp"
	"slices"
	"time"

	"millrace/shared/cloudflow"
	"millrace/tests/bench/report"
)

// browser asks for pages of the console as a browser does.
type browser struct {
	root   string // of the console, with a slash at its end
	client *http.Client
}

// page is what a page cost.
type page struct {
	first, whole time.Duration // until its first and its last byte
	sent         int           // bytes that were sent, compressed
	body         []byte
}

// console measures pages of the console among many executions, and how soon a page that follows an
// execution is told of an event.
func (b *bench) console(ctx context.Context) error {
	s, err := b.open(ctx)
	if err != nil {
		return err
	}
	defer s.drop()
	f := report.Figure{Scenario: "console", Clients: listClients, Unit: "executions"}
	if f.Ours, err = b.store(ctx, s); err != nil {
		return err
	}
	f.Add("executions stored", "%d", b.executions)
	if err := s.create(ctx, "long", mapFlow("long", "P", passState)); err != nil {
		return err
	}
	if err := s.succeeds(ctx, "long", "all", itemsInput(historyItems)); err != nil {
		return err
	}
	w, err := s.signIn()
	if err != nil {
		return err
	}
	for _, path := range []string{"", "flows", "flows/list", "executions", "executions?flow=list",
		"executions?flow=list&prefix=x77", "flows/list/executions/x7"} {
		if err := w.measure(path, &f); err != nil {
			return err
		}
	}
	if err := w.long(&f); err != nil {
		return err
	}
	if err := s.follow(ctx, w, &f); err != nil {
		return err
	}
	if u, err := s.Usage(); err == nil {
		f.Resident = u.Resident
	}
	b.report.Figures = append(b.report.Figures, f)
	return s.Stop()
}

// signIn returns a browser that is signed in.
func (s *target) signIn() (*browser, error) {
	jar, err := cookiejar.New(nil)
	if err != nil {
		return nil, err
	}
	w := &browser{"http://" + s.address + "/console/", &http.Client{Jar: jar,
		Transport: &http.Transport{DisableCompression: true}}}
	response, err := w.client.PostForm(w.root+"sign-in", url.Values{"id": {accessKey},
		"secret": {secret}})
	if err != nil {
		return nil, err
	}
	response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("signing in: %s", response.Status)
	}
	return w, nil
}

// get asks for a page, compressed.
func (w *browser) get(path, encoding string) (*page, error) {
	r, err := http.NewRequest(http.MethodGet, w.root+path, nil)
	if err != nil {
		return nil, err
	}
	r.Header.Set("Accept-Encoding", encoding)
	begin := time.Now()
	response, err := w.client.Do(r)
	if err != nil {
		return nil, err
	}
	defer response.Body.Close()
	p := &page{first: time.Since(begin)}
	p.body, err = io.ReadAll(response.Body)
	if err == nil && response.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", path, response.Status)
	}
	p.whole, p.sent = time.Since(begin), len(p.body)
	return p, err
}

// measure asks for a page several times.
func (w *browser) measure(path string, f *report.Figure) error {
	var first []time.Duration
	var last *page
	for range 21 {
		p, err := w.get(path, "gzip")
		if err != nil {
			return err
		}
		first, last = append(first, p.first), p
	}
	slices.Sort(first)
	f.Add("/console/"+path, "first byte %s, longest %s, %d bytes sent",
		first[len(first)/2].Round(10*time.Microsecond), first[len(first)-1].Round(10*time.Microsecond),
		last.sent)
	return nil
}

// long measures the page of an execution with a long history: the first time, until every event is
// counted, and after that.
func (w *browser) long(f *report.Figure) error {
	const path = "flows/long/executions/all"
	p, err := w.get(path, "gzip")
	if err != nil {
		return err
	}
	f.Add("an execution with 100,000 events, the first time", "first byte %s, %d bytes sent",
		p.first.Round(time.Millisecond), p.sent)
	begin, requests := time.Now(), 0
	for state := "reading"; state == "reading"; requests++ {
		if p, err = w.get(path+"/live?after=0&state=reading", "identity"); err != nil {
			return err
		}
		state = ""
		if m := liveState.FindSubmatch(p.body); m != nil {
			state = string(m[1])
		}
	}
	f.Add("until all of its events are counted", "%s, %d requests",
		time.Since(begin).Round(time.Millisecond), requests)
	return w.measure(path, f)
}

var (
	liveState = regexp.MustCompile(`data-state="([a-z]*)"`)
	liveAfter = regexp.MustCompile(`data-after="([0-9]+)"`)
)

// follow measures how long after the response to a stop the request of a page that follows the
// execution is answered.
func (s *target) follow(ctx context.Context, w *browser, f *report.Figure) error {
	if err := s.create(ctx, "wait", waitFlow("wait")); err != nil {
		return err
	}
	var times []time.Duration
	for i := range 11 {
		name := fmt.Sprintf("x%d", i)
		if _, err := s.starts(ctx, "wait", name, "{}"); err != nil {
			return err
		}
		took, err := s.followOne(ctx, w, name)
		if err != nil {
			return err
		}
		times = append(times, took)
	}
	slices.Sort(times)
	f.Add("a page that follows is told of an event", "%s after its commit, longest %s",
		times[len(times)/2].Round(10*time.Microsecond), times[len(times)-1].Round(10*time.Microsecond))
	return nil
}

func (s *target) followOne(ctx context.Context, w *browser, name string) (time.Duration, error) {
	p, err := w.get("flows/wait/executions/"+name, "identity")
	if err != nil {
		return 0, err
	}
	after := liveAfter.FindSubmatch(p.body)
	if after == nil {
		return 0, errors.New("the page does not say what it shows")
	}
	type answer struct {
		at  time.Time
		err error
	}
	answered := make(chan answer, 1)
	go func() {
		_, err := w.get("flows/wait/executions/"+name+"/live?after="+string(after[1]), "gzip")
		answered <- answer{time.Now(), err}
	}()
	time.Sleep(100 * time.Millisecond) // so that the request waits
	if _, err := s.StopExecution(ctx, cloudflow.StopExecutionRequest{FlowName: "wait",
		ExecutionName: name}); err != nil {
		return 0, err
	}
	committed := time.Now()
	got := <-answered
	return max(got.at.Sub(committed), 0), got.err
}
