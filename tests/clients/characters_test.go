package clients_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
)

// hardTexts contain every kind of character that forms, signatures or JSON treat in a special way.
var hardTexts = map[string]string{
	"chinese":   "中文，输入：北京欢迎你！",
	"ascii":     asciiText(),
	"signature": "a b+c*~'()!/&=% %20 %2B %zz ;:@$,?#[]",
	"emoji":     "😀👩‍👩‍👧‍👦 é é \u200b\u2028\u2029",
	"controls":  "\x00\x01\t\n\r\x1f\x7f",
	"escapes":   `\ " \" \\u0041 </script> {{.}} $Input.x $.y`,
	"empty":     "",
	"long":      strings.Repeat("长文本 long + & = % ", 500),
}

func asciiText() string {
	b := make([]byte, 0, 95)
	for c := byte(' '); c <= '~'; c++ {
		b = append(b, c)
	}
	return string(b)
}

// TestCharacters sends every character through signature, server and function and back. The
// response has each input as it was sent, including white space.
func TestCharacters(t *testing.T) {
	eachLanguage(t, func(t *testing.T, u user, l language) {
		name := "characters-" + l.name
		create(t, u, name, l.echo)
		for what, text := range hardTexts {
			value, err := json.Marshal(text)
			if err != nil {
				t.Fatal(err)
			}
			input := fmt.Sprintf("{ \"value\" :\t%s , \"更多\": [1.0, 1e3, null],\n\"value2\": {} }",
				value)
			x := begin(t, u, name, what, input)
			check(t, what+": Input of the start", x.Input, input)
			x = end(t, u, name, what, "Succeeded")
			check(t, what+": Input", x.Input, input)
			var output struct{ Value string }
			if err := json.Unmarshal([]byte(x.Output), &output); err != nil {
				t.Errorf("%s: Output %q: %v", what, x.Output, err)
			}
			check(t, what+": value in Output", output.Value, text)
		}
	})
}

// TestHardDefinition: the server stores a definition byte for byte.
func TestHardDefinition(t *testing.T) {
	each(t, func(t *testing.T, u user) {
		text := "# 注释 + & = % ~ ' \" \\ \t\r\nversion: v1\ntype: flow\nsteps:\n" +
			"  - {type: pass, name: 第一步, outputMappings: [{target: t, source: 'a+b 中'}]}\n\n"
		in := params{"Name": "hard", "Definition": text, "Type": "FDL",
			"Description": hardTexts["ascii"] + hardTexts["emoji"]}
		made := createWith(t, u, in)
		check(t, "Definition", made.Definition, text)
		seen := ask[flowResponse](t, u, "DescribeFlow", params{"Name": "hard"})
		check(t, "Definition", seen.Definition, text)
		check(t, "Description", seen.Description, in["Description"].(string))
		x := begin(t, u, "hard", "one", "{}")
		check(t, "FlowDefinition", x.FlowDefinition, text)
		check(t, "Output", end(t, u, "hard", "one", "Succeeded").Output, `{"t":"a+b 中"}`)
		check(t, "StepName", events(t, u, "hard", "one")[1].StepName, "第一步")
	})
}
