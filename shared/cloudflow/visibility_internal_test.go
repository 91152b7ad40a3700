package cloudflow

import (
	"encoding/base64"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"strings"
	"testing"

	"millrace/shared/flow"
	"millrace/shared/interp"
)

// usable returns the first task token in a text that a report would accept.
func usable(text string) string {
	for at := range text {
		if !strings.HasPrefix(text[at:], tokenStart) {
			continue // ParseToken requires "v1#", whose base64 has a fixed start
		}
		for end := at + 1; end <= len(text) && end-at <= 300; end++ {
			if token, ok := interp.ParseToken(text[at:end]); ok && flow.ValidName(token.Flow) {
				return text[at:end]
			}
		}
	}
	return ""
}

// newToken returns a task token with random names.
func newToken(r *rand.Rand, t *testing.T) string {
	t.Helper()
	name := func(lengthMax int) string {
		const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ_"
		b := []byte{letters[r.IntN(len(letters))]}
		for range r.IntN(lengthMax) {
			b = append(b, (letters + "-0123456789")[r.IntN(len(letters)+11)])
		}
		return string(b)
	}
	var mac [20]byte
	for i := range mac {
		mac[i] = byte(r.Uint32())
	}
	lengthMax := []int{1, 5, 128}[r.IntN(3)]
	token := base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "v1#%s#%s#%d#%s", name(lengthMax),
		name(20), 1+r.IntN(9999),
		base64.StdEncoding.EncodeToString(mac[:])))
	if _, ok := interp.ParseToken(token); !ok {
		t.Fatalf("%s is no token", token)
	}
	return token
}

// around returns a text that a flow could put before or after a token.
func around(r *rand.Rand, token string) string {
	parts := []string{"", "", " ", "djEj", "djEjA", "djEjAA", "djEjAAA", "djE", "djEjdjEj",
		"djEjYQ", "djEjYWFh", "djEjYSNi",
		"o1_djEjAA", "A", "0", "=", "==", "-", "/", "+", "%3D", ".", "\\", "\"", "\n", "é",
		"\u00dd", "\U0001f600", token[:4], token[:5],
		token[:len(token)/2], token[1:9], token[4:], strings.Repeat("djEjA", 40),
		strings.Repeat("djEjYWFh", 20)}
	text := ""
	for range r.IntN(4) {
		text += parts[r.IntN(len(parts))]
	}
	return text
}

// TestNoTokenPasses: a masked text contains no token that a report accepts, whatever text surrounds
// the token: plain text, JSON, JSON inside JSON, or escapes, with or without blanks. JSON remains
// JSON.
func TestNoTokenPasses(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	inJSON := func(text string) string {
		b, err := json.Marshal(map[string]string{"t": text})
		if err != nil {
			t.Fatal(err)
		}
		return string(b)
	}
	// escaped writes characters as escapes, at random.
	escaped := func(text string) string {
		var b strings.Builder
		for _, c := range text {
			if c < 128 && c >= '0' && r.IntN(3) == 0 {
				fmt.Fprintf(&b, `\u%04x`, c)
			} else {
				b.WriteRune(c)
			}
		}
		return b.String()
	}
	for range 800 {
		token := newToken(r, t)
		text := around(r, token) + token + around(r, token)
		if r.IntN(4) == 0 {
			text += newToken(r, t) + around(r, token)
		}
		plain := maskTokens(text)
		if left := usable(plain); left != "" || !strings.Contains(plain, maskedToken) {
			t.Fatalf("%q\nis masked as\n%q\nwhich has %q", text, plain, left)
		}
		nested := maskTokens(inJSON(inJSON(text)))
		var outer, inner map[string]string
		if err := json.Unmarshal([]byte(nested), &outer); err != nil {
			t.Fatalf("%v: %s", err, nested)
		}
		if err := json.Unmarshal([]byte(outer["t"]), &inner); err != nil {
			t.Fatalf("%v: %s", err, outer["t"])
		}
		if left := usable(inner["t"]); left != "" {
			t.Fatalf("%q has %q", nested, left)
		}
		once := `{"t":"` + escaped(token) + `"}`
		twice := inJSON(once)
		if err := json.Unmarshal([]byte(maskTokens(once)), &inner); err != nil ||
			usable(inner["t"]) != "" {
			t.Fatalf("%s: %q, %v", once, inner["t"], err)
		}
		if err := json.Unmarshal([]byte(maskTokens(twice)), &outer); err != nil {
			t.Fatalf("%v: %s", err, twice)
		}
		if err := json.Unmarshal([]byte(outer["t"]), &inner); err != nil ||
			usable(inner["t"]) != "" {
			t.Fatalf("%s: %q, %v", twice, inner["t"], err)
		}
	}
}

// TestNoTokenNoMask: a text without a token does not change.
func TestNoTokenNoMask(t *testing.T) {
	for _, text := range []string{"", "{}", "djEj", "djEjbm90aGluZw", "djEjAdjEjB",
		`{"a":"djEjAAAA\u0041"}`, `bad \u0064jEj`,
		"djEj" + strings.Repeat("YWFh", 60), "djEj" + strings.Repeat("YWFh", 43) + "I2Fh"} {
		want := text
		if strings.HasPrefix(text, "{") {
			want = strings.ReplaceAll(text, `\u0041`, "A") // the canonical form
		}
		if got := maskTokens(text); got != want {
			t.Errorf("%q becomes %q", text, got)
		}
	}
}

// BenchmarkMask measures a text that is full of false starts of tokens.
func BenchmarkMask(b *testing.B) {
	for name, part := range map[string]string{
		"starts":  "djEjA",
		"names":   "djEj" + strings.Repeat("YWFh", 42),
		"letters": "YWFh",
	} {
		text := strings.Repeat(part, 1<<20/len(part))
		b.Run(name, func(b *testing.B) {
			b.SetBytes(int64(len(text)))
			for b.Loop() {
				maskTokens(text)
			}
		})
	}
}
