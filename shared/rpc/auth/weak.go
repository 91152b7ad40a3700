package auth

import (
	"log/slog"
	"strings"
)

// secretMin is the shortest secret or bearer token without a warning, in bytes.
const secretMin = 16

// distinctMin is the smallest number of distinct characters in a secret without a warning.
const distinctMin = 5

// weakWarnings is the most warnings about secrets.
const weakWarnings = 10

// wellKnown are (parts of) secrets that public documents show.
var wellKnown = []string{
	"example", "changeme", "change-me", "secret", "password", "a-long-random-text",
}

// noteWeak records the name of a secret that is easy to guess.
func (c *Credentials) noteWeak(secret, name string) {
	if why := weakness(secret); why != "" {
		c.weak = append(c.weak, name+" "+why)
	}
}

// weakness says why a secret is easy to guess; "" if it is not.
func weakness(secret string) string {
	distinct := map[rune]bool{}
	for _, r := range secret {
		distinct[r] = true
	}
	low := strings.ToLower(secret)
	for _, word := range wellKnown {
		// The other words may occur in a long secret by chance, or as a name that its owner chose.
		if low == word || word == "example" && strings.Contains(low, word) ||
			isRepeated(low, word) {
			return "is a text from documents"
		}
	}
	switch {
	case len(secret) < secretMin:
		return "is shorter than 16 characters"
	case len(distinct) < distinctMin:
		return "has only a few different characters"
	}
	return ""
}

// isRepeated reports whether text is word, once or several times.
func isRepeated(text, word string) bool { return strings.ReplaceAll(text, word, "") == "" }

// Warn logs which secrets are easy to guess, and whether other users of the machine may read or
// change the file that they come from. It shows no secret.
func (c *Credentials) Warn(log *slog.Logger) {
	WarnOfFile(log, c.file, true)
	for i, text := range c.weak {
		if i == weakWarnings {
			log.Warn("more secrets are easy to guess", "count", len(c.weak)-i)
			break
		}
		log.Warn(text + ", so it is easy to guess; make one with `openssl rand -base64 24`")
	}
}
