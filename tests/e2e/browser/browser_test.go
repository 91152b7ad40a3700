package browser

import (
	"encoding/json"
	"flag"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/chromedp/chromedp"
	"github.com/chromedp/chromedp/kb"
)

var screenshots = flag.String("screenshots", "", "write pictures of the pages to this `folder`")

func quoted(s string) string {
	b, err := json.Marshal(s)
	if err != nil {
		panic(err)
	}
	return string(b)
}

// pages are all pages, by what their pictures are called.
var pages = []struct{ name, path string }{
	{"home", ""}, {"flows", "flows"}, {"flow", "flows/saga"}, {"edit", "flows/saga/edit"},
	{"new", "new"}, {"executions", "executions?flow=saga&status=Failed"},
	{"execution", "flows/saga/executions/lost"}, {"waiting", "flows/approval/executions/open"},
	{"schedules", "flows/saga/schedules"}, {"versions", "flows/saga/versions"},
	{"maprun", "flows/batch/executions/night/mapruns/MAPRUN"},
	{"compare", "flows/saga/executions/lost/compare"},
	{"batch", "flows/batch/executions/night"}, {"child", "flows/batch/executions/MAPRUN-0"},
	{"events", "flows/saga/executions/lost/events?type=Task"},
	{"strange", "flows/saga/executions/strange"}, {"error", "flows/none"}, {"missing", "none"},
}

// path returns the path of one of the pages.
func (c *console) path(path string) string { return strings.ReplaceAll(path, "MAPRUN", c.mapRun) }

// TestEveryPage: each page, in both languages and both colour schemes, loads without a complaint of
// the browser or of axe-core, runs nothing that a stranger wrote, and fits a narrow window.
func TestEveryPage(t *testing.T) {
	axe, err := os.ReadFile("node_modules/axe-core/axe.min.js")
	if err != nil {
		t.Fatal(err)
	}
	c := open(t, hostile)
	c.eventuallyWaits()
	for _, language := range []string{"en", "zh"} {
		c.choose("millrace-language", language)
		for _, scheme := range []string{"light", "dark"} {
			for _, p := range pages {
				c.heard()
				c.do(colours(scheme), chromedp.EmulateViewport(1200, 900))
				c.to(c.path(p.path))
				c.checkAccessible(string(axe), p.path, language, scheme)
				c.do(chromedp.EmulateViewport(360, 800, chromedp.EmulateMobile))
				if wide := eval[int](c, "document.documentElement.scrollWidth"); wide > 360 {
					t.Errorf("%q is %d pixels wide in a window of 360", p.path, wide)
				}
				if eval[bool](c, "window.hacked === 1") {
					t.Errorf("%q has run what a stranger wrote", p.path)
				}
				for _, said := range c.heard() {
					if !strings.Contains(said, "status of 404") {
						t.Errorf("%q: the browser says %s", p.path, said)
					}
				}
			}
		}
	}
}

// checkAccessible has axe-core look at the page.
func (c *console) checkAccessible(axe, path, language, scheme string) {
	c.t.Helper()
	eval[any](c, axe+"; 0")
	got := eval[[]string](c, `axe.run({runOnly: ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa",
		"wcag22aa"]}).then(r => r.violations.map(v => v.id + ": " +
		v.nodes.map(n => n.html.slice(0, 200)).join(" | ")))`)
	for _, violation := range got {
		c.t.Errorf("%q, %s, %s: %s", path, language, scheme, violation)
	}
}

// choose sets a choice of the reader on the page's own form.
func (c *console) choose(field, value string) {
	c.t.Helper()
	c.to("")
	eval[int](c, "window.mark = 1")
	c.do(chromedp.Click(chromedp.CSS(".settings summary")),
		chromedp.SetValue(chromedp.CSS(`select[name="`+field+`"]`), value),
		chromedp.Click(chromedp.CSS(".settings button")))
	for range 200 {
		if eval[bool](c, "window.mark !== 1 && document.readyState === 'complete'") {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	c.t.Fatalf("%s cannot be set to %s", field, value)
}

// eventuallyWaits waits until approval/open waits for its report.
func (c *console) eventuallyWaits() {
	c.t.Helper()
	c.to("flows/approval/executions/open")
	c.eventually("#live", "State Ask waits for a report")
}

// TestPictures makes the pictures of docs/console.md, if the flag says where.
func TestPictures(t *testing.T) {
	if *screenshots == "" {
		t.Skip("no -screenshots")
	}
	c := open(t, "")
	c.eventuallyWaits()
	c.do(colours("light"), chromedp.EmulateViewport(1100, 800))
	take := func(name, path string) {
		c.to(c.path(path))
		png := run(c, chromedp.CaptureScreenshot())
		if err := os.WriteFile(filepath.Join(*screenshots, name+".png"), png, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	for _, p := range pages[:12] {
		take(p.name, p.path)
	}
	c.do(colours("dark"))
	take("execution-dark", "flows/saga/executions/lost")
	c.choose("millrace-language", "zh")
	c.do(colours("light"))
	take("execution-zh", "flows/saga/executions/lost")
}

// TestWatch: a page that is open shows what happens, without being loaded again, and what its
// reader has opened stays open.
func TestWatch(t *testing.T) {
	c := open(t, hostile)
	c.eventuallyWaits()
	eval[int](c, "window.mark = 1")
	eval[bool](c, `document.querySelector("#live article details").open = true`)
	c.start("approval", "other", "{}")
	c.to("flows/approval/executions/other")
	eval[int](c, "window.mark = 1")
	c.eventually("#live", "State Ask waits for a report")
	if !eval[bool](c, "window.mark === 1") {
		t.Error("the page was loaded again")
	}
	c.report("other", `{"by":"a script"}`)
	c.eventually("h1", "succeeded")
	c.eventually("main", "a script")
}

// report reports the result of Ask through the console's own form, from another page.
func (c *console) report(execution, output string) {
	c.t.Helper()
	expression := `(async () => {
		const page = await fetch(location.href).then(r => r.text());
		const form = new DOMParser().parseFromString(page, "text/html")
			.querySelector('form[action$="/report"]');
		const data = new URLSearchParams(new FormData(form));
		data.set("output", ` + quoted(output) + `);
		await fetch(new URL(form.getAttribute("action"), location.href), {method: "POST", body: data});
		return true;
	})()`
	if !eval[bool](c, expression) {
		c.t.Error("not reported")
	}
}

// TestByKeyboard: an execution is started, found, and its report given with the keyboard alone.
func TestByKeyboard(t *testing.T) {
	c := open(t, hostile)
	c.to("flows/approval")
	c.tabTo(`document.activeElement.name === "name"`)
	c.do(chromedp.KeyEvent("typed"))
	c.tabTo(`document.activeElement.className === "main"`)
	c.do(chromedp.KeyEvent(kb.Enter))
	c.eventually("h1", "typed")
	c.eventually("#live", "State Ask waits for a report")
	c.tabTo(`document.activeElement.name === "output"`)
	c.do(chromedp.KeyEvent(kb.Tab), chromedp.KeyEvent(kb.Enter))
	c.ends("approval", "typed", "Succeeded")
	c.eventually("h1", "succeeded")
}

// tabTo presses the tabulator until a condition on the focused element holds.
func (c *console) tabTo(condition string) {
	c.t.Helper()
	for range 60 {
		c.do(chromedp.KeyEvent(kb.Tab))
		if eval[bool](c, condition) {
			return
		}
	}
	c.t.Fatalf("the tabulator leads nowhere with %s", condition)
}

// TestThreeClicks: from Home to why an execution failed, and to the task's input, in three clicks.
func TestThreeClicks(t *testing.T) {
	c := open(t, hostile)
	c.to("")
	c.do(chromedp.Click(`//a[contains(., "saga / strange")]`),
		chromedp.WaitReady(chromedp.CSS("#why")))
	c.eventually(".failure", "Undone")
	c.do(chromedp.Click(`//tr[@class="TaskFailed"]//summary`))
	c.eventually(".events", "no road leads to Atlantis")
}
