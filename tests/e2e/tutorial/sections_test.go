package tutorial_test

import (
	"regexp"
	"strings"
)

// document is the text of a page, and its path in the repository.
type document struct{ name, text string }

// section is a heading and what follows it up to the next one.
type section struct {
	heading string // with its signs; "" for what precedes the first heading
	level   int
	line    int // from 1
	parts   []part
}

// part is a paragraph, an item of a list, a row of a table or a block of code.
type part struct {
	kind string
	line int // from 1
	text string
}

var (
	item        = regexp.MustCompile(`^\s*([-*]|\d+\.) `)
	headingLine = regexp.MustCompile(`^(#+) .`)
)

// sections cuts a page into its sections.
func sections(text string) []section {
	all, open := []section{{line: 1}}, false // open: a paragraph or an item may go on
	lines := strings.Split(text, "\n")
	for i := 0; i < len(lines); i++ {
		s, line := &all[len(all)-1], lines[i]
		add := func(kind, text string) {
			s.parts = append(s.parts, part{kind: kind, line: i + 1, text: text})
		}
		wasOpen := open
		open = false
		switch m := headingLine.FindStringSubmatch(line); {
		case m != nil:
			all = append(all, section{heading: line, level: len(m[1]), line: i + 1})
		case strings.HasPrefix(strings.TrimSpace(line), "```"):
			end := i + 1
			for end < len(lines) && strings.TrimSpace(lines[end]) != "```" {
				end++
			}
			add("block", strings.Join(lines[i:min(end+1, len(lines))], "\n"))
			i = end
		case strings.HasPrefix(line, "|"):
			add("row of a table", line)
		case item.MatchString(line):
			add("list item", line)
			open = true
		case strings.TrimSpace(line) == "":
		case wasOpen:
			s.parts[len(s.parts)-1].text += " " + strings.TrimSpace(line)
			open = true
		default:
			add("paragraph", line)
			open = true
		}
	}
	return all
}

// anchors returns the anchors of the headings, in order; "" for what precedes the first one.
func anchors(all []section) (found []string) {
	for _, s := range all {
		found = append(found, anchorOf(strings.TrimLeft(s.heading, "# ")))
	}
	return found
}

var (
	codeSpan = regexp.MustCompile("`([^`]+)`")
	figure   = regexp.MustCompile(`\d+(?:[.,]\d+)*`)
)

// cells returns the number of cells of a row.
func (p part) cells() int {
	return strings.Count(codeSpan.ReplaceAllString(p.text, ""), "|") - 1
}

// codes returns what the text has between backquotes.
func (p part) codes() (found []string) {
	for _, m := range codeSpan.FindAllStringSubmatch(p.text, -1) {
		found = append(found, m[1])
	}
	return found
}

// numbers returns the numbers of the text outside of code and targets of links.
func (p part) numbers() []string {
	prose := link.ReplaceAllString(codeSpan.ReplaceAllString(p.text, ""), "]")
	return figure.FindAllString(prose, -1)
}

// links returns the targets of the links.
func (p part) links() (found []string) {
	for _, m := range link.FindAllStringSubmatch(codeSpan.ReplaceAllString(p.text, ""), -1) {
		found = append(found, m[1])
	}
	return found
}
