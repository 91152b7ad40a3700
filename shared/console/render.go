package console

import (
	"bytes"
	"compress/gzip"
	"net/http"
	"strings"
)

// render writes a page.
func (c *Console) render(
	w http.ResponseWriter, r *http.Request, status int, name string, p *page, data any,
) {
	p.Name, p.Data = name, data
	if p.Title == "" {
		p.Title = p.T(name)
	}
	c.write(w, r, status, "layout", p)
}

// fragment writes the content of a page without what is around it, for a script that follows it.
func (pr *pageRequest) fragment(name string, data any) error {
	pr.page.Name, pr.page.Data = name, data
	pr.console.write(pr.w, pr.r, http.StatusOK, "content", pr.page)
	return nil
}

// write renders a template of a page and sends it. It is rendered whole before the first byte is
// sent, so that no half of one is shown.
func (c *Console) write(
	w http.ResponseWriter, r *http.Request, status int, template string, p *page,
) {
	var b bytes.Buffer
	if err := c.pages[p.Name].ExecuteTemplate(&b, template, p); err != nil {
		c.Log.Error("console: a page cannot be rendered", "page", p.Name, "err", err)
		http.Error(w, "This page cannot be shown; the server's log says why.",
			http.StatusInternalServerError)
		return
	}
	if n := int64(b.Len()); n > uncharged {
		if !c.Bytes.TryAcquire(n) {
			http.Error(w, "The server holds as many bytes of pages as its memory allows. "+
				"Please try again later.", http.StatusServiceUnavailable)
			return
		}
		defer c.Bytes.Release(n)
	}
	h := w.Header()
	h.Set("Content-Type", "text/html; charset=utf-8")
	h.Set("Vary", "Accept-Encoding")
	if b.Len() < gzipMin || !acceptsGzip(r) {
		w.WriteHeader(status)
		w.Write(b.Bytes())
		return
	}
	h.Set("Content-Encoding", "gzip")
	w.WriteHeader(status)
	z, _ := gzip.NewWriterLevel(w, gzip.BestSpeed) // the level is a valid one
	z.Write(b.Bytes())
	z.Close()
}

// gzipMin is the shortest page that is compressed, in bytes.
const gzipMin = 2 << 10

// acceptsGzip reports whether a browser takes compressed pages.
func acceptsGzip(r *http.Request) bool {
	for one := range strings.SplitSeq(r.Header.Get("Accept-Encoding"), ",") {
		coding, q, _ := strings.Cut(strings.TrimSpace(one), ";")
		if coding == "gzip" {
			return strings.ReplaceAll(q, " ", "") != "q=0"
		}
	}
	return false
}
