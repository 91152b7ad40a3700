package yamldoc

import "unicode"

// cells returns how many cells of a terminal a text takes. A character of Chinese, Japanese or
// Korean takes two, and a mark that combines with the character before it takes none.
func cells(text []rune) int {
	n := 0
	for _, r := range text {
		switch {
		case r < 0x300:
			n++
		case unicode.In(r, unicode.Mn, unicode.Me) || r == 0x200d:
		case unicode.Is(wide, r):
			n += 2
		default:
			n++
		}
	}
	return n
}

// wide are the characters that terminals show in two cells: those with the East Asian width W or F,
// in ranges that also hold some code points without a character.
var wide = &unicode.RangeTable{
	R16: []unicode.Range16{
		{Lo: 0x1100, Hi: 0x115f, Stride: 1}, // Hangul that begins a syllable
		{Lo: 0x2e80, Hi: 0x303e, Stride: 1}, // radicals, punctuation
		{Lo: 0x3041, Hi: 0x33ff, Stride: 1}, // Hiragana, Katakana, Bopomofo
		{Lo: 0x3400, Hi: 0x4dbf, Stride: 1}, // Han
		{Lo: 0x4e00, Hi: 0xa4cf, Stride: 1}, // Han, Yi
		{Lo: 0xa960, Hi: 0xa97c, Stride: 1}, // Hangul
		{Lo: 0xac00, Hi: 0xd7a3, Stride: 1}, // Hangul
		{Lo: 0xf900, Hi: 0xfaff, Stride: 1}, // Han
		{Lo: 0xfe30, Hi: 0xfe6f, Stride: 1}, // punctuation
		{Lo: 0xff00, Hi: 0xff60, Stride: 1}, // Latin in the width of Han
		{Lo: 0xffe0, Hi: 0xffe6, Stride: 1}, // signs in the width of Han
	},
	R32: []unicode.Range32{
		{Lo: 0x16fe0, Hi: 0x18aff, Stride: 1}, // Tangut
		{Lo: 0x1b000, Hi: 0x1b2ff, Stride: 1}, // Kana
		{Lo: 0x1f300, Hi: 0x1f64f, Stride: 1}, // pictures
		{Lo: 0x1f680, Hi: 0x1f6ff, Stride: 1}, // pictures
		{Lo: 0x1f900, Hi: 0x1f9ff, Stride: 1}, // pictures
		{Lo: 0x20000, Hi: 0x3fffd, Stride: 1}, // Han
	},
}
