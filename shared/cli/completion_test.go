package cli_test

import (
	"slices"
	"strings"
	"testing"

	"millrace/shared/cloudflow"
)

// TestCompletion checks what a shell is offered after the words of a command line.
func TestCompletion(t *testing.T) {
	s := newShell(t, succeeding())
	s.api.flows = append(s.api.flows, cloudflow.Flow{Name: "quote"}, cloudflow.Flow{Name: "o\x1b"})
	const noFiles, files = ":4", ":0"
	for _, c := range []struct {
		words string // the last one is being typed; "." is none yet
		want  string
	}{
		{"st", "start stop " + noFiles},
		{"flow de", "delete describe " + noFiles},
		{"start .", "orders quote " + noFiles},
		{"start q", "quote " + noFiles},
		{"start orders .", noFiles},
		{"describe .", "orders quote " + noFiles},
		{"describe orders .", "e0 e1 e2 " + noFiles},
		{"describe orders e0 .", noFiles},
		{"--endpoint " + s.url + " describe orders .", "e0 e1 e2 " + noFiles},
		{"start --endpoint http://127.0.0.1:1 .", noFiles},
		{"flow delete orders .", "orders quote " + noFiles},
		{"flow create .", noFiles},
		{"flow create new .", files},
		{"validate a.yaml .", files},
		{"start orders --wa", "--wait " + noFiles},
		{"start orders --output .", "data json table " + noFiles},
		{"start orders -o t", "data json table " + noFiles},
		{"start orders --input .", files},
		{"start orders --name .", noFiles},
		{"serve --data .", files},
		{"completion .", "bash fish powershell zsh " + noFiles},
		{"help rep", "report " + noFiles},
		{"help report .", "failed succeeded " + noFiles},
	} {
		words := strings.Fields(c.words)
		if words[len(words)-1] == "." {
			words[len(words)-1] = ""
		}
		code, out, _ := s.run(append([]string{"__complete"}, words...)...)
		var got []string
		for line := range strings.Lines(out) {
			name, _, _ := strings.Cut(strings.TrimSpace(line), "\t")
			got = append(got, name)
		}
		slices.Sort(got[:len(got)-1])
		if joined := strings.Join(got, " "); code != 0 || joined != c.want {
			t.Errorf("%s: exit code %d, %q, want %q", c.words, code, joined, c.want)
		}
	}
}

// TestCompletionScripts checks that each shell's script asks the program for what to offer.
func TestCompletionScripts(t *testing.T) {
	s := newShell(t, nil)
	for shell, word := range map[string]string{"bash": "complete -o", "zsh": "#compdef millrace",
		"fish": "complete -c millrace", "powershell": "Register-ArgumentCompleter"} {
		s.expect(0, []string{word, "__complete"}, nil, "completion", shell)
	}
}

// TestShortFlags checks the short flags, together and with their values.
func TestShortFlags(t *testing.T) {
	s := newShell(t, succeeding())
	s.expect(0, []string{`"Name": "n"`}, nil, "-e", s.url, "start", "-o", "json", "orders", "-i",
		`{"id":7}`, "-n", "n")
	want := `StartExecution {FlowName:orders ExecutionName:n Input:{"id":7} CallbackToken: ` +
		`Qualifier:}`
	if s.api.requests[0] != want {
		t.Errorf("sent %s\nwant %s", s.api.requests[0], want)
	}
	s.expect(0, []string{"{\"paid\":true}\n"}, []string{"! entered"}, "start", "orders", "-wq",
		"-e"+s.url)
	s.expect(0, []string{"Usage: millrace start"}, nil, "start", "orders", "-h")
	s.expect(0, []string{"Usage: millrace start"}, nil, "--help", "start")
	s.expect(0, []string{"NAME"}, nil, "flow", "-e", s.url, "list")
}
