package console

import (
	"net/http"
	"strings"
	"time"
)

// The cookies of a reader's choices, and how long a browser keeps them.
const (
	languageCookie = "millrace-language"
	coloursCookie  = "millrace-colours"
	zoneCookie     = "millrace-zone"
	choiceMax      = 365 * 24 * time.Hour
)

// choices are the values that a reader may choose, by cookie.
var choices = map[string]string{languageCookie: " en zh ", coloursCookie: " auto light dark ",
	zoneCookie: " local utc "}

// settings keeps the choices of a reader in cookies.
func (pr *pageRequest) settings() error {
	for cookie, values := range choices {
		chosen := pr.r.PostFormValue(cookie)
		if chosen != "" && strings.Contains(values, " "+chosen+" ") {
			pr.console.setCookie(pr.w, cookie, chosen, choiceMax)
		}
	}
	return pr.to(ownPath(pr.r.PostFormValue("next")))
}

// language returns the language of a reader: as chosen, else as the browser asks, else English.
func language(r *http.Request) string {
	if chosen := cookieOf(r, languageCookie); chosen == "en" || chosen == "zh" {
		return chosen
	}
	for one := range strings.SplitSeq(r.Header.Get("Accept-Language"), ",") {
		switch tag, _, _ := strings.Cut(strings.TrimSpace(one), ";"); {
		case strings.HasPrefix(tag, "zh"):
			return "zh"
		case strings.HasPrefix(tag, "en"):
			return "en"
		}
	}
	return "en"
}
