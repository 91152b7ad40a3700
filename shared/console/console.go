// Package console serves the pages on which people see flows and executions, find out why one
// failed, and put it right. The pages are rendered here from the operations of the API, called as
// any client calls them, so a page shows nothing that its reader may not ask for. Without scripts
// everything can be read and done; a script keeps the page of a running execution up to date.
//
// All links are relative: the pages work below any prefix.
package console

import (
	"cmp"
	"embed"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"golang.org/x/time/rate"

	"millrace/shared/headers"
	"millrace/shared/inflight"
	"millrace/shared/rpc/auth"
	"millrace/shared/rpc/client"
	"millrace/shared/rpc/sign"
)

// Options configure a console. Connect must be set.
type Options struct {
	// Connect returns a client of the API that signs with a key; with key nil it does not sign.
	Connect func(id string, key *sign.Key) (*client.Client, error)
	// Credentials say who may sign in. If nil, the console is open: it asks for no key, and answers
	// only if the request names this machine, so that no page of another site reads it through a
	// browser here.
	Credentials *auth.Credentials
	// Hosts are further names of this machine, for an open console.
	Hosts []string
	// Secure marks cookies so that a browser sends them over TLS alone.
	Secure bool
	// Hold is how long a request of a page that is followed may wait for something to happen, in
	// whole seconds. 0: it is answered at once, and the page asks again, for an endpoint to which
	// waiting costs money.
	Hold time.Duration
	// Health returns what a reader may see of the server, by its key, which is nil on an open
	// console; nil if nothing. It is nil for a console of another endpoint.
	Health func(key *auth.Key) *Health
	// Bytes bounds what pages hold while they are sent; nil: there is no bound.
	Bytes *inflight.Budget
	Now   func() time.Time // nil is time.Now
	Log   *slog.Logger     // nil is slog.Default()
}

// Console serves the pages at /.
type Console struct {
	Options
	routes   *http.ServeMux
	crossing *http.CrossOriginProtection
	pages    map[string]*template.Template
	assets   map[string]asset
	runs     *runs
	signIns  *rate.Limiter
}

//go:embed templates/*.html
var templates embed.FS

//go:embed assets
var assets embed.FS

// The rate of attempts to sign in that fail, of everybody together: secrets are long, and a reader
// who has one needs one attempt.
const (
	signInsPerSecond = 1
	signInsAtOnce    = 10
)

// formMax is the most that a form may send, in bytes: a definition and a little more.
const formMax = 2 << 20

// New returns a console.
func New(o Options) *Console {
	if o.Now == nil {
		o.Now = time.Now
	}
	o.Log = cmp.Or(o.Log, slog.Default())
	c := &Console{Options: o, routes: http.NewServeMux(),
		crossing: http.NewCrossOriginProtection(), runs: newRuns(),
		signIns: rate.NewLimiter(signInsPerSecond, signInsAtOnce)}
	c.assets = readAssets()
	c.pages = c.parsePages()
	c.route()
	return c
}

// executionPath is the address of the page of an execution.
const executionPath = "/flows/{flow}/executions/{execution}"

// mapRunPattern is the address of the page of a MapRun.
const mapRunPattern = executionPath + "/mapruns/{maprun}"

// route connects addresses with pages. Changes are made by POST alone.
func (c *Console) route() {
	for pattern, page := range map[string]func(*pageRequest) error{
		"GET /{$}":                                 (*pageRequest).home,
		"GET /flows":                               (*pageRequest).flows,
		"GET /flows/{flow}":                        (*pageRequest).flow,
		"GET /flows/{flow}/edit":                   (*pageRequest).edit,
		"GET /new":                                 (*pageRequest).edit,
		"GET /executions":                          (*pageRequest).executions,
		"GET " + executionPath:                     (*pageRequest).execution,
		"GET " + executionPath + "/export":         (*pageRequest).export,
		"GET " + executionPath + "/live":           (*pageRequest).live,
		"GET " + executionPath + "/compare":        (*pageRequest).compare,
		"GET " + executionPath + "/events":         (*pageRequest).events,
		"GET " + executionPath + "/events/{event}": (*pageRequest).rawEvent,
		"GET " + mapRunPattern:                     (*pageRequest).mapRun,
		"POST " + mapRunPattern:                    (*pageRequest).changeMapRun,
		"POST /save":                               (*pageRequest).save,
		"POST /flows/{flow}/start":                 (*pageRequest).start,
		"POST /flows/{flow}/delete":                (*pageRequest).delete,
		"POST /executions/change":                  (*pageRequest).changeSelected,
		"POST " + executionPath + "/redrive":       (*pageRequest).redrive,
		"POST " + executionPath + "/delete":        (*pageRequest).deleteExecution,
		"POST " + executionPath + "/stop":          (*pageRequest).stop,
		"POST " + executionPath + "/report":        (*pageRequest).report,
		"GET /flows/{flow}/schedules":              (*pageRequest).schedules,
		"POST /flows/{flow}/schedules":             (*pageRequest).createSchedule,
		"POST /flows/{flow}/schedules/change":      (*pageRequest).changeSchedule,
		"GET /flows/{flow}/versions":               (*pageRequest).versions,
		"POST /flows/{flow}/versions":              (*pageRequest).changeVersion,
		"POST /flows/{flow}/versions/alias":        (*pageRequest).changeAlias,
		"POST /settings":                           (*pageRequest).settings,
		"POST /sign-out":                           (*pageRequest).signOut,
	} {
		c.routes.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			c.show(w, r, page)
		})
	}
	if c.Credentials != nil {
		c.routes.HandleFunc("GET /sign-in", c.signInPage)
		c.routes.HandleFunc("POST /sign-in", c.signIn)
	}
	c.routes.HandleFunc("GET /assets/{name}", c.asset)
	c.routes.HandleFunc("/", func(w http.ResponseWriter, r *http.Request) {
		c.show(w, r, (*pageRequest).missing)
	})
}

// policy is what a page may load: its own style sheet and script, and nothing of another site.
const policy = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; " +
	"connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"

func (c *Console) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	h := w.Header()
	headers.Private(h)
	h.Set("Content-Security-Policy", policy)
	h.Set("Referrer-Policy", "same-origin")
	h.Set("Cross-Origin-Opener-Policy", "same-origin")
	h.Set("Cross-Origin-Resource-Policy", "same-origin")
	if c.admit(w, r) {
		c.routes.ServeHTTP(w, r)
	}
}
