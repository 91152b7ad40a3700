package lint

import (
	"strings"

	"millrace/shared/flow"
)

// rules warns of rules and options of a state that are never reached.
func (l *Linter) rules(st *flow.State, at place) {
	retry := make([][]string, len(st.Retry))
	for i := range st.Retry {
		retry[i] = st.Retry[i].Errors
	}
	l.order(l.words.Retry, retry, at)
	catch := make([][]string, len(st.Catch))
	for i := range st.Catch {
		catch[i] = st.Catch[i].Errors
	}
	l.order(l.words.Catch, catch, at)
	if st.Choice != nil {
		l.options(st.Choice, at)
	}
}

// order warns of rules whose errors earlier rules match. Only the first rule that matches counts.
func (l *Linter) order(key string, rules [][]string, at place) {
	if len(rules) < 2 {
		return
	}
	list := at.key(key)
	first := make(map[string]int)
	all := -1
	for i, names := range rules {
		if all >= 0 {
			l.warn(list.item(i), "put the rule with "+flow.ErrorAll+" last",
				"is never reached: %s[%d] matches every error", key, all)
			continue
		}
		l.rule(key, list.item(i), names, first)
		for _, name := range names {
			if _, ok := first[name]; !ok {
				first[name] = i
			}
			if name == flow.ErrorAll {
				all = i
			}
		}
	}
}

// rule warns of the names of a rule that earlier rules have.
func (l *Linter) rule(key string, rule place, names []string, first map[string]int) {
	again := 0
	for _, name := range names {
		if _, ok := first[name]; ok {
			again++
		}
	}
	switch again {
	case 0:
	case len(names):
		l.warn(rule, "only the first rule that matches an error counts",
			"is never reached: earlier rules match all its errors")
	default:
		list := rule.key(l.words.Errors)
		for i, name := range names {
			if earlier, ok := first[name]; ok {
				l.warn(list.item(i), "only the first rule that matches an error counts",
					"has no effect: %s[%d] matches it", key, earlier)
			}
		}
	}
}

// options warns of the options of a Choice that are never taken.
func (l *Linter) options(c *flow.ChoiceSpec, at place) {
	list := at.key(l.words.Options)
	first := make(map[string]int)
	always := -1
	for i := range c.Options {
		e := c.Options[i].Condition
		source := e.String()
		earlier, again := first[source]
		switch {
		case always >= 0:
			l.warn(list.item(i), "", "is never reached: the condition of %s[%d] is always true",
				l.words.Options, always)
		case again:
			l.warn(list.item(i), "", "is never reached: %s[%d] has the same condition",
				l.words.Options, earlier)
		case !random(source):
			first[source] = i
		}
		if e.AlwaysTrue() && always < 0 {
			always = i
		}
	}
	if d := at.key(l.words.Default); always >= 0 && d.node != nil {
		l.warn(d, "drop that option, and make its target the one of "+l.words.Default,
			"is never reached: the condition of %s[%d] is always true", l.words.Options, always)
	}
}

// random reports whether a condition may give another result each time.
func random(source string) bool {
	return strings.Contains(source, "randomInt") || strings.Contains(source, "uuid")
}
