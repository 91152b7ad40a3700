// Package charset converts the responses of services to UTF-8 without loss: text that cannot be
// decoded is an error, never U+FFFD, so that two different texts, such as two names of members,
// stay different.
package charset

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"unicode/utf16"
	"unicode/utf8"

	"golang.org/x/text/encoding/simplifiedchinese"

	"millrace/shared/value"
)

// mark is the byte order mark, which some programs write before a text. It is not part of the text.
var mark = []byte("\uFEFF")

// UTF8 returns the text of a response in UTF-8, without a byte order mark. It decodes the body if
// contentType, the response's Content-Type ("" if there is none), declares another charset. If the
// body is not valid in that charset, the error names the Content-Type. If UTF-8 or no charset is
// declared, UTF8 does not check the bytes; see NoText.
func UTF8(contentType string, body []byte) ([]byte, error) {
	if decode, name := decoderOf(contentType); name != "" && len(body) > 0 {
		if decode == nil {
			return nil, fmt.Errorf("its charset is not known here (%s); send UTF-8",
				named(contentType))
		}
		text, err := decode(body)
		if err != nil {
			return nil, fmt.Errorf("it is no text of its charset (%s)", named(contentType))
		}
		body = text
	}
	return bytes.TrimPrefix(body, mark), nil
}

// Foreign reports whether a Content-Type declares another charset than UTF-8, so that UTF8 returns
// other bytes than it gets.
func Foreign(contentType string) bool {
	_, name := decoderOf(contentType)
	return name != ""
}

// decoderOf returns the charset that a Content-Type declares, unless it is UTF-8, and its decoder,
// nil if the charset is unknown.
func decoderOf(contentType string) (decode func([]byte) ([]byte, error), name string) {
	name = declared(contentType)
	if name == "" || strings.EqualFold(name, "utf-8") {
		return nil, ""
	}
	decode, known := charsets[strings.ToLower(name)]
	if known && decode == nil {
		return nil, ""
	}
	return decode, name
}

// NoText returns the error for a response that should be UTF-8 and is not.
func NoText(contentType string) error {
	return fmt.Errorf(
		"it is no text in UTF-8 (%s); send binary data as Base64, or declare the charset",
		named(contentType),
	)
}

// named returns a Content-Type for use in a message.
func named(contentType string) string {
	if contentType == "" {
		return "it has no Content-Type"
	}
	return "Content-Type " + value.Quote(Header(contentType))
}

// declared returns the charset in a Content-Type, the first if there are several, "" if there is
// none.
func declared(contentType string) string {
	_, rest, more := strings.Cut(contentType, ";")
	for more {
		var parameter string
		parameter, rest, more = strings.Cut(rest, ";")
		name, text, _ := strings.Cut(parameter, "=")
		if strings.EqualFold(strings.TrimSpace(name), "charset") {
			return strings.Trim(text, " \t\"'")
		}
	}
	return ""
}

// charsets are the decoders of the supported charsets, by their common names in lower case; nil
// means that the bytes are UTF-8. The tables of GB 18030 add 170 kB to each function in a cloud;
// those of all charsets that browsers support would add 900 kB.
var charsets = map[string]func([]byte) ([]byte, error){
	"utf-8": nil, "utf8": nil, "utf_8": nil, "utf8mb4": nil, "unicode-1-1-utf-8": nil,
	"us-ascii": nil, "ascii": nil,

	"utf-16": utf16Text(nil), "utf16": utf16Text(nil), "unicode": utf16Text(nil),
	"ucs-2":    utf16Text(nil),
	"utf-16le": utf16Text(binary.LittleEndian), "utf-16be": utf16Text(binary.BigEndian),

	"iso-8859-1": latin1, "iso8859-1": latin1, "iso_8859-1": latin1, "latin1": latin1,
	"latin-1": latin1, "l1": latin1,
	"windows-1252": windows1252, "cp1252": windows1252, "x-cp1252": windows1252,

	"gbk": gb18030, "gb2312": gb18030, "gb_2312-80": gb18030, "gb18030": gb18030, "x-gbk": gb18030,
	"cp936": gb18030,
	"ms936": gb18030, "windows-936": gb18030, "euc-cn": gb18030, "chinese": gb18030,
}

var errNoText = errors.New("no text of the charset")

// gb18030 decodes GB 18030, which contains GBK and GB 2312.
func gb18030(body []byte) ([]byte, error) {
	return whole(simplifiedchinese.GB18030.NewDecoder().Bytes(body))
}

// whole returns an error if a decoder had to replace a character.
func whole(text []byte, err error) ([]byte, error) {
	if err == nil && bytes.ContainsRune(text, utf8.RuneError) {
		err = errNoText
	}
	return text, err
}

// latin1 decodes ISO 8859-1: each byte is the code point of its character.
func latin1(body []byte) ([]byte, error) { return bytewise(body, nil), nil }

// windows1252 decodes ISO 8859-1 with other characters in place of its controls. The five undefined
// bytes keep their control characters, as in browsers.
func windows1252(body []byte) ([]byte, error) { return bytewise(body, windows), nil }

// windows contains the characters of windows-1252 from byte 0x80 on.
var windows = []rune("€\u0081‚ƒ„…†‡ˆ‰Š‹Œ\u008dŽ\u008f\u0090‘’“”•–—˜™š›œ\u009džŸ")

// bytewise decodes a single-byte charset: bytes from 0x80 on are the characters of high, and bytes
// beyond its end are code points.
func bytewise(body []byte, high []rune) []byte {
	text := make([]byte, 0, len(body)+len(body)/8)
	for _, c := range body {
		r := rune(c)
		if i := int(c) - 0x80; i >= 0 && i < len(high) {
			r = high[i]
		}
		text = utf8.AppendRune(text, r)
	}
	return text
}

// utf16Text returns the decoder for a byte order. If order is nil, the byte order mark decides;
// without one, the order is big-endian.
func utf16Text(order binary.ByteOrder) func([]byte) ([]byte, error) {
	return func(body []byte) ([]byte, error) {
		order := order
		if order == nil {
			order = binary.BigEndian
			if bytes.HasPrefix(body, []byte{0xFF, 0xFE}) {
				order = binary.LittleEndian
			}
		}
		if len(body)%2 != 0 {
			return nil, errNoText
		}
		text := make([]byte, 0, len(body))
		for ; len(body) > 0; body = body[2:] {
			r := rune(order.Uint16(body))
			if utf16.IsSurrogate(r) {
				if len(body) < 4 {
					return nil, errNoText
				}
				if r = utf16.DecodeRune(r, rune(order.Uint16(body[2:]))); r == utf8.RuneError {
					return nil, errNoText
				}
				body = body[2:]
			}
			text = utf8.AppendRune(text, r)
		}
		return text, nil
	}
}

// Header returns the value of a header as a text. Headers have no declared charset, so a value that
// is not UTF-8 is read as ISO 8859-1, formerly the charset of all headers.
func Header(s string) string {
	if utf8.ValidString(s) {
		return s
	}
	return string(bytewise([]byte(s), nil))
}
