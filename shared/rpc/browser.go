package rpc

import (
	"net/http"
	"net/url"
	"slices"

	"millrace/shared/fault"
)

// rejectBrowser refuses what a web page may have sent to a server that asks for no credentials: a browser on this
// machine reaches loopback for any page, and a name of the page's own that resolves to loopback makes the page the
// same origin. No client of the API sends the headers of a browser, or a Host that is not loopback.
func (c *request) rejectBrowser() error {
	if !c.LoopbackOnly {
		return nil
	}
	if !IsLoopback(c.r.Host) && !slices.Contains(c.Hosts, c.r.Host) {
		return browserDenied("its Host is not this machine; name it under Hosts in the configuration if it should be")
	}
	if site := headerOf(c.r, "Sec-Fetch-Site"); site != "" && site != "same-origin" && site != "none" {
		return browserDenied("it comes from a web page")
	}
	if origin := headerOf(c.r, "Origin"); origin != "" && !ownOrigin(origin, c.r) {
		return browserDenied("it comes from a web page")
	}
	// A browser that sends neither of these on a GET (an <img> in an old one) says where the page
	// is in Referer.
	if referer := headerOf(c.r, "Referer"); referer != "" && !ownOrigin(referer, c.r) {
		return browserDenied("it comes from a web page")
	}
	return nil
}

func browserDenied(why string) error {
	return fault.New(fault.AccessDenied, "The resources doesn't belong to you. A server without credentials refuses this request: %s.", why)
}

// ownOrigin tells whether an Origin header is the server's own, as a page that it served itself would send.
func ownOrigin(origin string, r *http.Request) bool {
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && u.Host == r.Host
}
