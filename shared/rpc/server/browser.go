package server

import (
	"net/http"
	"net/url"
	"slices"

	"millrace/shared/fault"
	"millrace/shared/rpc"
)

// rejectBrowser rejects what a web page may have sent to an open server. A browser on this machine
// reaches loopback for any page, and a page whose own host name resolves to loopback is even
// same-origin. A client of the API sends no browser headers and no Host other than loopback.
func (c *request) rejectBrowser() error {
	if !c.LoopbackOnly {
		return nil
	}
	if !rpc.IsLoopback(c.r.Host) && !slices.Contains(c.Hosts, c.r.Host) {
		return browserDenied("its Host is not this machine; name it under Hosts in the " +
			"configuration if it should be")
	}
	if site := headerOf(c.r, "Sec-Fetch-Site"); site != "" && site != "same-origin" &&
		site != "none" {
		return browserDenied("it comes from a web page")
	}
	if origin := headerOf(c.r, "Origin"); origin != "" && !ownOrigin(origin, c.r) {
		return browserDenied("it comes from a web page")
	}
	// An old browser sends neither header on a GET (of an <img>), but names the page in Referer.
	if referer := headerOf(c.r, "Referer"); referer != "" && !ownOrigin(referer, c.r) {
		return browserDenied("it comes from a web page")
	}
	return nil
}

func browserDenied(why string) error {
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you. "+
		"A server without credentials refuses this request: %s.", why)
}

// ownOrigin reports whether an Origin or Referer header names this server, as for a page that it
// served.
func ownOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == r.Host
}
