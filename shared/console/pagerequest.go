package console

import (
	"context"
	"errors"
	"html/template"
	"net/http"
	"net/url"
	"strconv"

	"millrace/shared/fault"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/client"
)

// pageRequest is one request of a reader who may see pages.
type pageRequest struct {
	console *Console
	w       http.ResponseWriter
	r       *http.Request
	ctx     context.Context
	api     *client.Client
	key     *auth.Key // of the reader; nil on an open console
	page    *page
}

// page is what every page shows.
type page struct {
	Title    string
	Name     string // of the template
	Root     string // the way to the console's root
	Language string // "en" or "zh"
	Colours  string // "", "auto", "light" or "dark"
	UTC      bool
	Here     string // the address of this page, from the root
	KeyID    string // of the reader; "" on an open console
	Script   string
	Style    string
	Data     any
}

// show calls a page for a reader who is signed in; others are led to the page for signing in.
func (c *Console) show(w http.ResponseWriter, r *http.Request, do func(*pageRequest) error) {
	p := c.newPage(r, "")
	pr := &pageRequest{console: c, w: w, r: r, ctx: r.Context(), page: p}
	var err error
	if c.Credentials == nil {
		pr.api, err = c.Connect("", nil)
	} else {
		key := c.signedIn(r)
		if key == nil {
			w.Header().Set("Connection", "close") // the body of a stranger is not read
			redirect(w, r, "sign-in?next="+url.QueryEscape(p.Here))
			return
		}
		p.KeyID, pr.key = key.ID, key
		pr.api, err = c.Connect(key.ID, key.Sign)
	}
	if err == nil {
		err = readForm(w, r)
	}
	if err == nil {
		err = do(pr)
	}
	if err != nil {
		c.renderError(w, r, p, err)
	}
}

// newPage returns the page of a request, as the reader has set it.
func (c *Console) newPage(r *http.Request, name string) *page {
	p := &page{Name: name, Root: root(r), Language: language(r),
		Colours: cookieOf(r, coloursCookie), UTC: cookieOf(r, zoneCookie) == "utc",
		Script: c.assets["console.js"].address, Style: c.assets["style.css"].address}
	p.Here = r.URL.Path[1:]
	if r.Method != http.MethodGet {
		p.Here = ""
	} else if r.URL.RawQuery != "" {
		p.Here += "?" + r.URL.RawQuery
	}
	return p
}

func cookieOf(r *http.Request, name string) string {
	cookie, err := r.Cookie(name)
	if err != nil {
		return ""
	}
	return cookie.Value
}

// eventRow is an event with what its row needs of the page.
type eventRow struct {
	Page  *page
	Raw   string // where its whole detail is
	Event client.Event
}

func newEventRow(p *page, flowName, name string, e client.Event) eventRow {
	return eventRow{p, p.Root + pathOf(flowName, name) + "/events/" +
		strconv.FormatInt(e.EventID, 10), e}
}

// ok renders a page that was asked for.
func (pr *pageRequest) ok(name, title string, data any) error {
	pr.page.Title = title
	pr.console.render(pr.w, pr.r, http.StatusOK, name, pr.page, data)
	return nil
}

// to leads the browser to another page of the console.
func (pr *pageRequest) to(path string) error {
	redirect(pr.w, pr.r, path)
	return nil
}

func (pr *pageRequest) missing() error {
	pr.console.render(pr.w, pr.r, http.StatusNotFound, "missing", pr.page, nil)
	return nil
}

// failure is what a page shows of an error.
type failure struct{ Code, Message, RequestID string }

// renderError shows an error of the API, or that the API did not answer.
func (c *Console) renderError(
	w http.ResponseWriter, r *http.Request, p *page, err error,
) {
	var too *http.MaxBytesError
	status, shown := http.StatusBadGateway, failure{Message: err.Error()}
	var f *fault.Error
	switch {
	case errors.As(err, &too):
		status, shown.Message = http.StatusRequestEntityTooLarge, p.T("too large")
	case errors.As(err, &f):
		status = f.Code.Status()
		shown = failure{string(f.Code), f.Message, client.RequestID(err)}
	}
	p.Title = ""
	c.render(w, r, status, "error", p, shown)
}

// parsePages returns the templates of all pages.
func (c *Console) parsePages() map[string]*template.Template {
	functions := template.FuncMap{"time": shownTime, "ago": shownAgo(c.Now), "took": took,
		"shown": shown, "detail": detail, "segment": url.PathEscape, "row": newEventRow, "cut": cutTo}
	layout := template.Must(template.New("").Funcs(functions).ParseFS(templates,
		"templates/layout.html"))
	pages := map[string]*template.Template{}
	for _, name := range []string{"home", "flows", "flow", "edit", "schedules", "versions",
		"executions", "execution", "events", "maprun", "compare", "sign-in", "error", "missing"} {
		pages[name] = template.Must(template.Must(layout.Clone()).ParseFS(templates,
			"templates/"+name+".html"))
	}
	return pages
}
