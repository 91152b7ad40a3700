package events

import (
	"encoding/base64"
	"encoding/json"
	"unicode/utf8"
)

// Reply encodes an HTTP response in the form of the request. The body is a text if it is valid
// UTF-8, else base64.
func (h *HTTP) Reply(status int, header map[string][]string, body []byte) []byte {
	r := struct {
		StatusCode        int                 `json:"statusCode"`
		Headers           map[string]string   `json:"headers"`
		MultiValueHeaders map[string][]string `json:"multiValueHeaders,omitempty"`
		Cookies           []string            `json:"cookies,omitempty"`
		Body              string              `json:"body"`
		IsBase64Encoded   bool                `json:"isBase64Encoded"`
	}{StatusCode: status, Headers: map[string]string{}}
	for name, values := range header {
		switch {
		case len(values) == 0:
		case name == "Set-Cookie" && h.Form == FormV2:
			r.Cookies = values
		case len(values) == 1:
			r.Headers[name] = values[0]
		case h.Form == FormV1:
			if r.MultiValueHeaders == nil {
				r.MultiValueHeaders = map[string][]string{}
			}
			r.MultiValueHeaders[name] = values
		default:
			r.Headers[name] = joined(values)
		}
	}
	if r.IsBase64Encoded = !utf8.Valid(body); r.IsBase64Encoded {
		r.Body = base64.StdEncoding.EncodeToString(body)
	} else {
		r.Body = string(body)
	}
	out, err := json.Marshal(r)
	if err != nil {
		panic(err) // strings and integers only
	}
	return out
}

func joined(values []string) string {
	s := values[0]
	for _, v := range values[1:] {
		s += "," + v
	}
	return s
}
