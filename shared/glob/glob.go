// Package glob matches names with patterns of stars and question marks.
package glob

// Match reports whether pattern matches all of s: `*` matches any number of bytes (slashes and
// colons too), `?` one byte, and every other byte itself. The work is at most len(pattern) ×
// len(s).
func Match(pattern, s string) bool {
	p, i := 0, 0
	star, mark := -1, 0 // the last star, and the end of what it matches so far
	for i < len(s) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, i
			p++
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == s[i]):
			p++
			i++
		case star >= 0:
			mark++
			p, i = star+1, mark
		default:
			return false
		}
	}
	for p < len(pattern) && pattern[p] == '*' {
		p++
	}
	return p == len(pattern)
}
