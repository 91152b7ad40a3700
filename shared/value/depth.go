package value

// ExceedsDepth reports whether a text as written by Append is nested deeper than depthMax.
func ExceedsDepth(text []byte, depthMax int) bool {
	if len(text) < 2*depthMax {
		return false // too short to be so deep
	}
	depth, inside := 0, false
	for i := 0; i < len(text); i++ {
		switch c := text[i]; {
		case inside && c == '\\':
			i++
		case c == '"':
			inside = !inside
		case inside:
		case c == '{' || c == '[':
			if depth++; depth > depthMax {
				return true
			}
		case c == '}' || c == ']':
			depth--
		}
	}
	return false
}
