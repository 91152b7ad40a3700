package console

import (
	"context"
	"mime"
	"net/http"
	"path"
	"strings"
	"time"
)

// How long a form may take to arrive: that of a reader who is signed in, and any other body. A
// stranger must not hold a connection and memory by sending slowly.
const (
	formTime     = 30 * time.Second
	strangerTime = 2 * time.Second
)

// admit refuses what no page of the console sends, before anything of it is read. It returns false
// if it has answered.
func (c *Console) admit(w http.ResponseWriter, r *http.Request) bool {
	refuse := func(status int, why string) bool {
		w.Header().Set("Connection", "close") // so that the rest of the body is not waited for
		http.Error(w, why, status)
		return false
	}
	// The error is that of a server without deadlines, such as a test's.
	_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(strangerTime))
	switch {
	case c.Credentials == nil && !c.namesThisMachine(r.Host):
		return refuse(http.StatusForbidden, "This console needs no key, so it answers only to a "+
			"name of this machine, like localhost. Name others under Hosts in the configuration.")
	case c.crossing.Check(r) != nil, c.Credentials == nil && fromAnotherSite(r):
		return refuse(http.StatusForbidden, "This request comes from another site.")
	case !isClean(r.URL.EscapedPath()):
		return refuse(http.StatusNotFound, "There is no such page.")
	case r.Method == http.MethodPost && r.ContentLength > formMax:
		return refuse(http.StatusRequestEntityTooLarge, "The form is too large.")
	case r.Method == http.MethodPost && r.ContentLength != 0 && !isForm(r):
		return refuse(http.StatusUnsupportedMediaType, "A page sends its form as "+
			"application/x-www-form-urlencoded.")
	case r.Method != http.MethodPost && r.ContentLength != 0:
		return refuse(http.StatusBadRequest, "A request for a page has no body.")
	}
	r.Body = http.MaxBytesReader(w, r.Body, formMax)
	return true
}

// fromAnotherSite reports whether a page of another site asks for something to be loaded into
// itself. That it leads its reader here is no harm.
func fromAnotherSite(r *http.Request) bool {
	site := r.Header.Get("Sec-Fetch-Site")
	return (site == "cross-site" || site == "same-site") &&
		(r.Header.Get("Sec-Fetch-Mode") != "navigate" ||
			r.Header.Get("Sec-Fetch-Dest") != "document")
}

// isClean reports whether a path is written as links write it. A router would redirect any other,
// and not know the prefix of a proxy.
func isClean(escaped string) bool {
	clean := path.Clean(escaped)
	return escaped == clean || escaped == clean+"/" ||
		strings.Contains(escaped, "%") && !strings.Contains(escaped, "//")
}

func isForm(r *http.Request) bool {
	kind, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && kind == "application/x-www-form-urlencoded"
}

// readForm reads the form of a reader who is signed in, within its time. What follows may take
// longer: a deadline that passes then would end the request.
func readForm(w http.ResponseWriter, r *http.Request) error {
	control := http.NewResponseController(w)
	_ = control.SetReadDeadline(time.Now().Add(formTime))
	defer func() { _ = control.SetReadDeadline(time.Time{}) }()
	if r.Method != http.MethodPost {
		return nil
	}
	return r.ParseForm()
}

// withoutValues is a context that ends with another one and has none of its values: a call of the
// API is not the request of the connection that the page came over.
type withoutValues struct{ context.Context }

// Value implements context.Context.
func (withoutValues) Value(any) any { return nil }
