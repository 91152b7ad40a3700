package yamldoc

import (
	"bytes"
	"fmt"
	"unicode/utf8"
)

// warningsMax is the maximum number of warnings about one text.
const warningsMax = 10

// inspect looks for characters that editors do not show, or that change the order in which editors
// show other characters. It is for YAML and JSON.
func inspect(text []byte) (warnings []Problem, problem *Problem) {
	for i := len(text) - len(bytes.TrimPrefix(text, byteOrderMark)); i < len(text); {
		if text[i] < utf8.RuneSelf {
			i++
			continue
		}
		r, size := utf8.DecodeRune(text[i:])
		switch {
		case reorders(r):
			return nil, problemAt(text, i, escaped(r),
				"U+%04X makes editors show the text in another order than it is read", r)
		case r == '\ufeff':
			return nil, problemAt(text, i, escaped(r),
				"U+FEFF (a byte order mark) inside the text, which editors do not show")
		case len(warnings) < warningsMax:
			if why := invisible(r); why != "" {
				warnings = append(warnings, *problemAt(text, i, "remove it; "+escaped(r),
					"U+%04X %s", r, why))
			}
		}
		i += size
	}
	return warnings, nil
}

func escaped(r rune) string {
	if r > 0xffff {
		return fmt.Sprintf(`if it is meant, write \U%08X in a string in double quotes`, r)
	}
	return fmt.Sprintf(`if it is meant, write \u%04X in a string in double quotes`, r)
}

// reorders reports whether a character embeds, overrides or isolates a writing direction.
func reorders(r rune) bool {
	return '\u202a' <= r && r <= '\u202e' || '\u2066' <= r && r <= '\u2069'
}

// invisible returns why a character cannot be recognized by sight, or "" if it can.
func invisible(r rune) string {
	switch {
	case r == '\u0085' || r == '\u2028' || r == '\u2029':
		return "is part of the line here, while some editors begin a new line with it"
	case r == '\u00ad' || r == '\u180e' || r == '\u200b' || r == '\u2060',
		0xE0000 <= r && r <= 0xE007F:
		return "is not shown by editors"
	}
	return ""
}

// problemAt returns a problem at a byte offset.
func problemAt(text []byte, offset int, hint, format string, args ...any) *Problem {
	before := text[:offset]
	line := before[bytes.LastIndexByte(before, '\n')+1:]
	return &Problem{
		Line: bytes.Count(before, []byte("\n")) + 1, Column: utf8.RuneCount(line) + 1,
		Message: fmt.Sprintf(format, args...), Hint: hint,
	}
}
