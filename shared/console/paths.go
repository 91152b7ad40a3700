package console

import (
	"net/http"
	"net/url"
	"strings"
)

// pathOf returns the address of the page of an execution, from the root.
func pathOf(flowName, name string) string {
	return "flows/" + url.PathEscape(flowName) + "/executions/" + url.PathEscape(name)
}

// ownPath returns a path of the console to go on with, from its root; "" if the text is none: it
// must lead nowhere else.
func ownPath(path string) string {
	u, err := url.Parse(path)
	if err != nil || u.Scheme != "" || u.Host != "" || u.User != nil || u.Opaque != "" ||
		strings.HasPrefix(path, "/") || strings.ContainsAny(path, "\\\r\n") ||
		strings.Contains(u.Path, "..") {
		return ""
	}
	return path
}

// root returns the way from the address of a request back to the root of the console: "../" for
// each folder.
func root(r *http.Request) string {
	path := strings.TrimPrefix(r.URL.EscapedPath(), "/")
	return "./" + strings.Repeat("../", strings.Count(path, "/"))
}

// redirect leads the browser to a path of the console.
func redirect(w http.ResponseWriter, r *http.Request, path string) {
	w.Header().Set("Location", root(r)+path) // relative: http.Redirect would make it absolute
	w.WriteHeader(http.StatusSeeOther)
}
