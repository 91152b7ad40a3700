package osstask

import (
	"encoding/base64"
	"encoding/json"
	"mime"
	"net/http"
	"strings"
	"unicode/utf8"

	"millrace/shared/charset"
	"millrace/shared/flow"
	"millrace/shared/task"
	"millrace/shared/value"
)

// result returns the task's result for an object.
func result(g *getRequest, resp *http.Response, body []byte) (json.RawMessage, *flow.Error) {
	h := resp.Header
	out := map[string]any{"bucket": g.bucket, "key": g.key, "region": g.region,
		"contentLength":   len(body),
		"isBase64Encoded": false}
	for name, header := range map[string]string{"contentType": "Content-Type",
		"contentRange": "Content-Range", "eTag": "Etag",
		"lastModified": "Last-Modified", "versionId": "X-Oss-Version-Id",
		"requestId": "X-Oss-Request-Id"} {
		if v := h.Get(header); v != "" {
			out[name] = charset.Header(strings.Trim(v, `"`))
		}
	}
	meta := map[string]any{}
	for name := range h {
		if of, ok := strings.CutPrefix(strings.ToLower(name), "x-oss-meta-"); ok {
			meta[charset.Header(of)] = charset.Header(h.Get(name))
		}
	}
	if len(meta) > 0 {
		out["metadata"] = meta
	}
	switch text, err := charset.UTF8(h.Get("Content-Type"), body); {
	case err != nil || !utf8.Valid(text):
		out["body"], out["isBase64Encoded"] = base64.StdEncoding.EncodeToString(body), true
	case resp.StatusCode == http.StatusOK && looksLikeJSON(h.Get("Content-Type"), text):
		tree, failed := task.JSONOrText(text)
		if failed != nil {
			return nil, failed
		}
		out["body"] = tree
	default:
		out["body"] = string(text)
	}
	return value.Encode(out), nil
}

// looksLikeJSON reports whether a body may be JSON. A plain text such as "12" does not count as
// JSON unless the Content-Type says so.
func looksLikeJSON(contentType string, body []byte) bool {
	kind, _, err := mime.ParseMediaType(contentType)
	if err == nil && (kind == "application/json" || strings.HasSuffix(kind, "+json")) {
		return true
	}
	trimmed := strings.TrimLeft(string(body[:min(len(body), 64)]), " \t\r\n")
	return strings.HasPrefix(trimmed, "{") || strings.HasPrefix(trimmed, "[")
}
