package tutorial_test

import (
	"fmt"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// translations returns the names of the pages that there are in Chinese, by the English page's.
func translations(t *testing.T) map[string]string {
	t.Helper()
	pages, err := filepath.Glob("../../../docs/zh-CN/*.md")
	if err != nil {
		t.Fatal(err)
	}
	all := map[string]string{"README.md": "README.zh-CN.md"}
	for _, page := range pages {
		all["docs/"+filepath.Base(page)] = "docs/zh-CN/" + filepath.Base(page)
	}
	return all
}

// TestTranslations: a Chinese page has the sections, code, tables, numbers and links of the English
// one.
func TestTranslations(t *testing.T) {
	read := func(name string) string { return text(t, name) }
	pages := pairs{chinese: translations(t), read: read}
	for english := range pages.chinese {
		for _, fault := range pages.outOfStep(english) {
			t.Error(fault)
		}
	}
	if len(pages.chinese) < 4 {
		t.Errorf("there are only %d Chinese pages", len(pages.chinese))
	}
}

// pairs are pages and their translations.
type pairs struct {
	chinese map[string]string // by the name of the English page
	read    func(name string) string
}

// outOfStep returns where the translation of a page differs from it. After a heading that only one
// of the pages has, nothing is compared.
func (p pairs) outOfStep(name string) (faults []string) {
	english := document{name, p.read(name)}
	chinese := document{p.chinese[name], p.read(p.chinese[name])}
	a, b := sections(english.text), sections(chinese.text)
	levels := slices.EqualFunc(a, b, func(a, b section) bool { return a.level == b.level })
	faults = append(linkToOther(english, a, "简体中文", chinese),
		linkToOther(chinese, b, "English", english)...)
	for i := range min(len(a), len(b)) {
		found := p.section(english, chinese, a[i], b[i])
		faults = append(faults, found...)
		if !levels && len(found) > 0 {
			break
		}
	}
	if !levels {
		faults = append(faults, fmt.Sprintf("%s has %d headings and %s %d, or their levels differ: "+
			"mend the first section that is out of step, then the rest is compared",
			english.name, len(a)-1, chinese.name, len(b)-1))
	}
	return faults
}

// linkToOther checks that the first paragraph of a page is a link to the page in the other
// language, and takes it out of the section.
func linkToOther(from document, all []section, language string, to document) []string {
	target, err := filepath.Rel(path.Dir(from.name), to.name)
	want := "[" + language + "](" + filepath.ToSlash(target) + ")"
	if err != nil || len(all) < 2 || len(all[1].parts) == 0 || all[1].parts[0].text != want {
		return []string{fmt.Sprintf("%s: the line below the title must be %s", from.name, want)}
	}
	all[1].parts = all[1].parts[1:]
	return nil
}

// section compares a section with its translation.
func (p pairs) section(english, chinese document, a, b section) (faults []string) {
	fault := func(lineA, lineB int, format string, args ...any) {
		faults = append(faults, fmt.Sprintf("section \"%s\", %s:%d and %s:%d: %s", a.heading,
			english.name, lineA, chinese.name, lineB, fmt.Sprintf(format, args...)))
	}
	if a.level != b.level {
		fault(a.line, b.line, "the Chinese page has \"%s\" here", b.heading)
		return faults
	}
	heads := [2]part{{text: a.heading, line: a.line}, {text: b.heading, line: b.line}}
	for _, difference := range p.part(english, chinese, heads[0], heads[1]) {
		fault(a.line, b.line, "heading: %s", difference)
	}
	for i := range max(len(a.parts), len(b.parts)) {
		switch {
		case i == len(a.parts):
			fault(a.line, b.parts[i].line, "the Chinese section has one more %s", b.parts[i].kind)
			return faults
		case i == len(b.parts):
			fault(a.parts[i].line, b.line, "the Chinese section lacks this %s", a.parts[i].kind)
			return faults
		case a.parts[i].kind != b.parts[i].kind:
			fault(a.parts[i].line, b.parts[i].line, "a %s, in Chinese a %s", a.parts[i].kind,
				b.parts[i].kind)
			return faults
		}
		for _, difference := range p.part(english, chinese, a.parts[i], b.parts[i]) {
			fault(a.parts[i].line, b.parts[i].line, "%s: %s", a.parts[i].kind, difference)
		}
	}
	return faults
}

// part compares a part with its translation.
func (p pairs) part(english, chinese document, a, b part) (differences []string) {
	if a.kind == "block" {
		return differentLine(a, b)
	}
	if a.kind == "row of a table" && a.cells() != b.cells() {
		differences = append(differences,
			fmt.Sprintf("%d cells, in Chinese %d", a.cells(), b.cells()))
	}
	differences = append(differences, missing("Chinese", "`%s`", a.codes(), b.codes())...)
	differences = append(differences, missing("English", "`%s`", b.codes(), a.codes())...)
	differences = append(differences, missing("Chinese", "%s", a.numbers(), b.numbers())...)
	want, got := []string{}, []string{}
	for _, target := range a.links() {
		want = append(want, p.translated(english.name, target))
	}
	for _, target := range b.links() {
		got = append(got, resolved(chinese.name, target))
	}
	for _, target := range got {
		if !slices.Contains(want, target) {
			differences = append(differences, "the Chinese text links to "+target)
		}
	}
	return append(differences, missing("Chinese", "a link to %s", want, got)...)
}

// differentLine returns the first line in which two blocks differ.
func differentLine(a, b part) []string {
	linesA, linesB := strings.Split(a.text, "\n"), strings.Split(b.text, "\n")
	for i := range min(len(linesA), len(linesB)) {
		if linesA[i] != linesB[i] {
			return []string{fmt.Sprintf("lines %d and %d differ:\n\t%s\n\t%s", a.line+i, b.line+i,
				linesA[i], linesB[i])}
		}
	}
	if len(linesA) != len(linesB) {
		return []string{fmt.Sprintf("%d lines, in Chinese %d", len(linesA), len(linesB))}
	}
	return nil
}

// missing returns which of the wanted texts a page lacks.
func missing(page, format string, want, got []string) (differences []string) {
	for i, text := range want {
		if !slices.Contains(got, text) && !slices.Contains(want[:i], text) {
			differences = append(differences,
				fmt.Sprintf("the "+page+" text does not have "+format, text))
		}
	}
	return differences
}

// resolved returns the target of a link as a path from the root of the repository.
func resolved(from, target string) string {
	if strings.Contains(target, "://") {
		return target
	}
	name, anchor, hasAnchor := strings.Cut(target, "#")
	if full := path.Join(path.Dir(from), name); name != "" {
		from = full
	}
	if hasAnchor {
		return from + "#" + anchor
	}
	return from
}

// translated returns where the Chinese page links to for a link of the English one: to the same
// section of the Chinese page if there is one.
func (p pairs) translated(from, target string) string {
	full := resolved(from, target)
	name, anchor, hasAnchor := strings.Cut(full, "#")
	chinese := p.chinese[name]
	switch {
	case chinese == "":
		return full
	case !hasAnchor:
		return chinese
	}
	i := slices.Index(anchors(sections(p.read(name))), anchor)
	if there := anchors(sections(p.read(chinese))); i >= 0 && i < len(there) {
		return chinese + "#" + there[i]
	}
	return chinese + "#" + anchor
}
