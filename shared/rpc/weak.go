package rpc

import (
	"log/slog"
	"strings"
)

// secretMin is the shortest secret, and the shortest bearer token, that is not warned of, in bytes.
const secretMin = 16

// distinctMin is how many different characters a secret has at least that is not warned of.
const distinctMin = 5

// weakWarnings bounds the warnings about secrets.
const weakWarnings = 10

// wellKnown are parts of secrets that stand in documents, so that everybody can read them.
var wellKnown = []string{"example", "changeme", "change-me", "secret", "password", "a-long-random-text"}

// noteWeak keeps the name of a secret that is easy to guess.
func (c *Credentials) noteWeak(secret, name string) {
	if why := weakness(secret); why != "" {
		c.weak = append(c.weak, name+" "+why)
	}
}

// weakness says why a secret is easy to guess; "" when nothing speaks for it.
func weakness(secret string) string {
	different := map[rune]bool{}
	for _, r := range secret {
		different[r] = true
	}
	low := strings.ToLower(secret)
	for _, word := range wellKnown {
		// A word in a long secret is chance, or a name that its owner gave it.
		if low == word || word == "example" && strings.Contains(low, word) || isRepeated(low, word) {
			return "is a text from documents"
		}
	}
	switch {
	case len(secret) < secretMin:
		return "is shorter than 16 characters"
	case len(different) < distinctMin:
		return "has only a few different characters"
	}
	return ""
}

// isRepeated reports whether a text is a word, again and again.
func isRepeated(text, word string) bool { return strings.ReplaceAll(text, word, "") == "" }

// warn says what is wrong with the file of the credentials and with the secrets in it; it shows
// none of them.
func (c *Credentials) warn(log *slog.Logger) {
	WarnOfFile(log, c.file, true)
	for i, text := range c.weak {
		if i == weakWarnings {
			log.Warn("more secrets are easy to guess", "count", len(c.weak)-i)
			break
		}
		log.Warn(text + ", so it is easy to guess; make one with `openssl rand -base64 24`")
	}
}
