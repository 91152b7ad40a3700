package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"millrace/shared/suggest"
)

// otherWords maps commands of other programs to those of this one. In a group, the second word
// counts.
var otherWords = map[string]string{
	"add": "flow create", "cancel": "stop", "check": "validate", "deploy": "flow apply",
	"draw": "graph", "events": "history", "execute": "start", "executions": "list",
	"get": "describe", "inspect": "describe", "invoke": "start", "kill": "stop", "lint": "validate",
	"log": "history", "logs": "history", "ls": "list", "new": "flow create", "remove": "flow delete",
	"rm": "flow delete", "run": "start", "server": "serve", "show": "describe",
	"status": "describe", "tail": "history --follow", "up": "serve", "wait": "describe --wait",
	"watch": "history --follow",
}

// unknown returns the error for an unknown command, with a suggestion.
func (c *invocation) unknown(words []string) error {
	var group, first []string
	near := ""
	for _, cmd := range commands() {
		head, tail, two := strings.Cut(cmd.name, " ")
		first = append(first, head)
		if two && head == words[0] {
			group = append(group, tail)
		}
		if two && tail == words[0] && near == "" {
			near = cmd.name
		}
	}
	switch {
	case group == nil:
		if near == "" {
			near = otherWords[words[0]]
		}
		if near == "" {
			near = closest(words[0], slices.Compact(first))
		}
		return usagef("%s", sentence(fmt.Sprintf("there is no command %q", words[0]), near,
			"`millrace help` lists them"))
	case len(words) == 1 || strings.HasPrefix(words[1], "-"):
		return usagef("say which: millrace %s %s", words[0], strings.Join(group, "|"))
	}
	if near = nearInGroup(words[1], group); near != "" {
		near = words[0] + " " + near
	}
	return usagef("%s", sentence(fmt.Sprintf("there is no command \"%s %s\"", words[0], words[1]),
		near, "it is one of "+strings.Join(group, ", ")))
}

// nearInGroup returns the word of a group that another one was meant to be; "" if none is like it.
func nearInGroup(word string, group []string) string {
	_, other, _ := strings.Cut(otherWords[word], " ")
	if other == "" {
		other = otherWords[word]
	}
	if slices.Contains(group, other) {
		return other
	}
	return closest(word, group)
}

// closest returns the word that another one was meant to be: one that is similar to it, or the only
// one that begins in the same way. It returns "" if there is none.
func closest(word string, words []string) string {
	if near := suggest.Nearest(word, words, min(len(word)/3+1, 3)); near != "" {
		return near
	}
	const letters = 3
	near := ""
	for _, w := range words {
		if len(word) > 1 && strings.HasPrefix(w, word[:min(len(word), letters)]) {
			if near != "" {
				return ""
			}
			near = w
		}
	}
	return near
}

// sentence appends to wrong what was probably meant, or the fallback if that is not known.
func sentence(wrong, meant, fallback string) string {
	if meant == "" {
		return wrong + "; " + fallback
	}
	return fmt.Sprintf("%s; did you mean '%s'?", wrong, meant)
}

// oneOf returns the error for a value that a flag or an argument cannot have.
func oneOf(what, value string, values []string) error {
	last := len(values) - 1
	wrong := fmt.Sprintf("%s is %s or %s, not %q", what, strings.Join(values[:last], ", "),
		values[last], value)
	if near := closest(value, values); near != "" {
		return fmt.Errorf("%s; did you mean '%s'?", wrong, near)
	}
	return errors.New(wrong)
}
