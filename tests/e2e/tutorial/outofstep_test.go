package tutorial_test

import (
	"strings"
	"testing"
)

const (
	englishPage = "# Title\n\n[简体中文](zh-CN/a.md)\n\n## One `step`\n\nRun `go test` 3 times,\n" +
		"see [two](#two) and [b](b.md).\n\n```console\n$ ls\nfile\n$ pwd\n```\n\n" +
		"## Two\n\n1. Item\n\n   ```sh\n   ls\n   ```\n\n| a | b |\n| --- | --- |\n| `x|y` | 1 |\n"
	chinesePage = "# 标题\n\n[English](../a.md)\n\n## 一 `step`\n\n" +
		"参见[二](#二)和 [b](../b.md)，运行 3 次 `go test`。\n\n```console\n$ ls\nfile\n$ pwd\n```\n\n" +
		"## 二\n\n1. 条目\n\n   ```sh\n   ls\n   ```\n\n| 甲 | 乙 |\n| --- | --- |\n| `x|y` | 1 |\n"
)

// TestOutOfStep: what TestTranslations must find, and in which section.
func TestOutOfStep(t *testing.T) {
	one, two := "section \"## One `step`\"", "section \"## Two\""
	for _, c := range []struct{ name, old, new, place, fault string }{
		{"command removed", "$ pwd\n", "", one, "lines 13 and 12 differ:\n\t$ pwd\n\t```"},
		{"output changed", "file\n", "files\n", one, "lines 12 and 11 differ:\n\tfile\n\tfiles"},
		{"block removed", "   ```sh\n   ls\n   ```\n\n", "", two,
			"a block, in Chinese a row of a table"},
		{"block of an item differs", "   ls\n", "  ls\n", two, "differ:\n\t   ls\n\t  ls"},
		{"heading removed", "## 二\n\n", "", one, "the Chinese section has one more list item"},
		{"headings counted", "## 二\n\n", "", "", "a.md has 3 headings and docs/zh-CN/a.md 2"},
		{"level changed", "## 二", "### 二", two, `the Chinese page has "### 二" here`},
		{"heading's code", "## 一 `step`", "## 一", one,
			"heading: the Chinese text does not have `step`"},
		{"paragraph removed", "参见[二](#二)和 [b](../b.md)，运行 3 次 `go test`。\n\n", "", one,
			"a paragraph, in Chinese a block"},
		{"paragraph too many", "| `x|y` | 1 |\n", "| `x|y` | 1 |\n\n多\n", two,
			"the Chinese section has one more paragraph"},
		{"row removed", "| `x|y` | 1 |\n", "", two, "the Chinese section lacks this row of a table"},
		{"cell removed", "| 甲 | 乙 |", "| 甲乙 |", two, "2 cells, in Chinese 1"},
		{"code removed", " `go test`", "测试", one, "the Chinese text does not have `go test`"},
		{"code too many", "`go test`", "`go test` `x`", one, "the English text does not have `x`"},
		{"code of a cell", "`x|y`", "`x|z`", two, "the Chinese text does not have `x|y`"},
		{"number", "运行 3 次", "运行 4 次", one, "the Chinese text does not have 3"},
		{"link to the English page", "[二](#二)", "[二](../a.md#two)", one,
			"the Chinese text does not have a link to docs/zh-CN/a.md#二"},
		{"link removed", "[b](../b.md)", "b", one, "does not have a link to docs/b.md"},
		{"other link", "../b.md", "../c.md", one, "the Chinese text links to docs/c.md"},
		{"no link to the English page", "[English](../a.md)\n\n", "", "docs/zh-CN/a.md:",
			"the line below the title must be [English](../a.md)"},
	} {
		if strings.Count(chinesePage, c.old) != 1 {
			t.Fatalf("%s: the page does not have %q once", c.name, c.old)
		}
		found := strings.Join(outOfStep(strings.Replace(chinesePage, c.old, c.new, 1)), "\n")
		if !strings.Contains(found, c.fault) || !strings.Contains(found, c.place) {
			t.Errorf("%s: found\n%s", c.name, found)
		}
	}
	if found := outOfStep(chinesePage); len(found) > 0 {
		t.Errorf("pages in step: found\n%s", strings.Join(found, "\n"))
	}
}

// outOfStep compares englishPage with a Chinese page.
func outOfStep(chinese string) []string {
	pages := pairs{chinese: map[string]string{"docs/a.md": "docs/zh-CN/a.md"},
		read: func(name string) string {
			return map[string]string{"docs/a.md": englishPage, "docs/zh-CN/a.md": chinese}[name]
		}}
	return pages.outOfStep("docs/a.md")
}
