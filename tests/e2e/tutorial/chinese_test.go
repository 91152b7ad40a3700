package tutorial_test

import (
	"regexp"
	"strings"
	"testing"
)

// otherWords maps words that stand for a term of docs/zh-CN/concepts.md elsewhere to the term.
var otherWords = map[string]string{
	"上报": "汇报", "快捷模式": "快速模式", "子工作流": "子流程", "历史记录": "执行历史", "凭据": "凭证",
	"任务Token": "任务令牌", "用户自定义令牌": "任务令牌", "精确一次": "恰好一次", "幂等性键": "幂等键",
}

// halfWidth matches punctuation that Chinese text has in full width, unspaced Chinese beside Latin
// letters, digits or code.
var (
	halfWidth = regexp.MustCompile(`\p{Han}[,;:!?(]|[,;!?)]\p{Han}`)
	unspaced  = regexp.MustCompile("\\p{Han}[A-Za-z0-9`]|[A-Za-z0-9`]\\p{Han}")
)

// TestChineseText: the Chinese pages use the words of docs/zh-CN/concepts.md, full-width
// punctuation, and spaces between Chinese and Latin text.
func TestChineseText(t *testing.T) {
	var all strings.Builder
	for _, name := range translations(t) {
		for _, s := range sections(text(t, name)) {
			isTable := name == "docs/zh-CN/concepts.md" && s.heading == "## 中英文术语对照"
			for _, p := range append(s.parts, part{line: s.line, text: s.heading}) {
				if p.kind == "block" {
					continue
				}
				if !isTable {
					all.WriteString(p.text + "\n")
				}
				for _, fault := range chineseFaults(p.text) {
					t.Errorf("%s:%d: %s", name, p.line, fault)
				}
			}
		}
	}
	_, table, _ := strings.Cut(text(t, "docs/zh-CN/concepts.md"), "\n| English | 中文 |\n")
	rows := strings.Split(strings.TrimSpace(table), "\n")[1:]
	for _, row := range rows {
		for term := range strings.FieldsFuncSeq(strings.Split(row, "|")[2], isMark) {
			if term = strings.TrimSpace(term); !strings.Contains(all.String(), term) {
				t.Errorf("no Chinese page uses the term %s", term)
			}
		}
	}
	if len(rows) < 20 {
		t.Errorf("the table of terms has %d rows", len(rows))
	}
}

// isMark reports whether a character separates terms in a cell.
func isMark(r rune) bool { return strings.ContainsRune("、；，", r) }

// chineseFaults returns what the text of a Chinese page must not have.
func chineseFaults(text string) (faults []string) {
	for other, term := range otherWords {
		if strings.Contains(text, other) {
			faults = append(faults, other+": the table of terms says "+term)
		}
	}
	prose := codeSpan.ReplaceAllString(link.ReplaceAllString(text, "]"), "`c`")
	for _, found := range halfWidth.FindAllString(prose, -1) {
		faults = append(faults, found+": full-width punctuation, please")
	}
	for _, found := range unspaced.FindAllString(prose, -1) {
		faults = append(faults, found+": a space between Chinese and Latin text, please")
	}
	return faults
}

func TestChineseFaults(t *testing.T) {
	for text, faults := range map[string]int{
		"用 `a,b` 运行，见[流程](a)的 Map（迭代）": 0, "上报结果": 1, "运行,等待": 1, "运行(等待)后": 2,
		"用`a`运行": 2, "用Map": 1, "3个": 1,
	} {
		if found := chineseFaults(text); len(found) != faults {
			t.Errorf("%s: %q", text, found)
		}
	}
}
