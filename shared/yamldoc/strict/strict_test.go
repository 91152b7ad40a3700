package strict_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"testing"
	"time"

	"millrace/shared/yamldoc/strict"
)

type inner struct {
	Name string   `json:"name" strict:"required"`
	Size int      `json:"size"`
	Tags []string `json:"tags" strict:"one"`
}

type base struct {
	ID string `json:"id"`
}

type outer struct {
	base
	Items []inner           `json:"items" strict:"null"`
	Env   map[string]string `json:"env"`
	Raw   json.RawMessage   `json:"raw"`
	At    time.Time         `json:"at"`
	Share *float64          `json:"share"`
	On    bool              `json:"on"`
}

func TestDecode(t *testing.T) {
	for text, want := range map[string]string{
		"":       "",
		"# c\n":  "",
		"id: 07": "id 07",
		"items: [{name: a, size: 0x10, tags: x}, {name: True, tags: [y, 1]}]\nenv: {A: 1.50}": "" +
			"item a 16 [x], item True 0 [y 1], A=1.50",
		"items:\nraw: null\non: true": "raw null, on",
		"items: [&i {name: a}, *i]":   "item a 0 [], item a 0 []",
		`{"id": "x", "raw": [1, {"a": 2.0}], "at": "2027-01-31T00:00:00Z", "share": 0.5}`: "" +
			`id x, raw [1,{"a":2.0}], at 2027, share 0.5`,
	} {
		var o outer
		err := strict.Decode("f", []byte(text), &o, strict.Options{BytesMax: 1000})
		if got := summary(o); err != nil || got != want {
			t.Errorf("%q is %s, %v; want %s", text, got, err, want)
		}
	}
}

func summary(o outer) string {
	var list []string
	if o.ID != "" {
		list = append(list, "id "+o.ID)
	}
	for _, i := range o.Items {
		list = append(list, fmt.Sprint("item ", i.Name, " ", i.Size, " ", i.Tags))
	}
	for name, text := range o.Env {
		list = append(list, name+"="+text)
	}
	if o.Raw != nil {
		list = append(list, "raw "+string(o.Raw))
	}
	if !o.At.IsZero() {
		list = append(list, fmt.Sprint("at ", o.At.Year()))
	}
	if o.Share != nil {
		list = append(list, fmt.Sprint("share ", *o.Share))
	}
	if o.On {
		list = append(list, "on")
	}
	return strings.Join(list, ", ")
}

// TestAllMistakes checks that all mistakes of a text are reported, in its order, and that a check
// adds nothing about a value that is already wrong.
func TestAllMistakes(t *testing.T) {
	const text = "items:\n- {nmae: a, size: x, tags: [[]]}\n- {name: b, size: 9}\nidd: ~\n" +
		"share: none\non: 'yes'\nat: monday\nid: null\n"
	var o outer
	err := strict.Decode("dir/f.yaml", []byte(text), &o, strict.Options{BytesMax: 1000,
		Help: "see docs", Check: func(at strict.Place, v any) {
			if i, ok := v.(*inner); ok && i.Size != 1 {
				at.Member("size").Failf("size must be 1, not %d", i.Size)
			}
		}})
	const want = `dir/f.yaml:2:3: items[0].name is missing
dir/f.yaml:2:4: there is no "items[0].nmae"; did you mean 'name'?
dir/f.yaml:2:19: items[0].size must be a whole number, not the text "x"
dir/f.yaml:2:29: items[0].tags[0] must be a text, not a list
dir/f.yaml:3:19: size must be 1, not 9
dir/f.yaml:4:1: there is no "idd"; did you mean 'id'?
dir/f.yaml:5:8: share must be a number, not the text "none"
dir/f.yaml:6:5: on must be true or false, not the text "yes"
dir/f.yaml:7:5: at must be a time like 2027-01-31T00:00:00Z, not the text "monday"
dir/f.yaml:8:5: id must be a text, not null; see docs`
	if err == nil || err.Error() != want {
		t.Errorf("%v", err)
	}
	many := "items: [" + strings.Repeat("1, ", 30) + "]"
	err = strict.Decode("f", []byte(many), &o, strict.Options{BytesMax: 1000})
	if err == nil || strings.Count(err.Error(), "\n") != 20 ||
		!strings.HasSuffix(err.Error(), "\nf: more than 20 mistakes") {
		t.Errorf("%v", err)
	}
}

// TestSettings checks that settings ignore the case of names, that null is the default, and that
// texts need quotes.
func TestSettings(t *testing.T) {
	settings := strict.Options{BytesMax: 1000, Settings: true}
	o := outer{base: base{ID: "default"}}
	if err := strict.Decode("f", []byte("ID: ~\nITEMS: [{Name: a}]"), &o, settings); err != nil ||
		summary(o) != "id default, item a 0 []" {
		t.Errorf("%s, %v", summary(o), err)
	}
	for text, want := range map[string]string{
		"id: a\nID: b": "f:2:1: id stands twice",
		"id: 1":        "f:1:5: id must be a text, not a number; put it in quotes",
	} {
		if err := strict.Decode("f", []byte(text), &o, settings); err == nil || err.Error() != want {
			t.Errorf("%q: %v", text, err)
		}
	}
}

// TestSecrets checks that errors repeat nothing of a text with secrets but misspelt names.
func TestSecrets(t *testing.T) {
	for text, want := range map[string]string{
		"items: [{nmae: hunter2}]":     `did you mean 'name'?`,
		"hunter2: 1":                   "there is no such member; known here: id, items",
		"id:hunter2: 1":                "there is no such member",
		"id: a\nid: b":                 `the key "id" stands twice`,
		"hunter2: a\nhunter2: b":       "f:2:1: this is neither YAML nor JSON",
		`{"hunter2": 1, "hunter2": 2}`: "this is neither YAML nor JSON",
		"id: *hunter2":                 "this is neither YAML nor JSON",
		"id: !hunter2 x":               "this is neither YAML nor JSON",
		"id: !!int hunter2":            "this is neither YAML nor JSON",
		"id: {{ $hunter2 }}":           "f:1:",
		"on: hunter2":                  "on must be true or false, not a string",
		"share: 12345":                 "",
		"at: hunter2":                  "at must be a time",
		"id: ''":                       "id must be a text that is not empty",
	} {
		var o outer
		err := strict.Decode("f", []byte(text), &o, strict.Options{BytesMax: 1000, Secret: true})
		if got := fmt.Sprint(err); want != "" && !strings.Contains(got, want) ||
			strings.Contains(got, "hunter2") {
			t.Errorf("%q: %v, want %s", text, err, want)
		}
	}
}
