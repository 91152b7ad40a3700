package cli

import (
	"errors"
	"flag"
	"fmt"
	"strings"

	"millrace/shared/suggest"
)

// errHelp is the error of parse if the arguments ask for help.
var errHelp = errors.New("help was asked for")

func isHelp(arg string) bool { return arg == "-h" || arg == "--help" || arg == "-help" }

// parse sets flags from args and returns the positional arguments. Flags may precede, follow and
// separate them; everything after `--` is positional. Package flag stops at the first positional
// argument, hence the loop.
func parse(f *flag.FlagSet, args []string) (positional []string, err error) {
	for len(args) > 0 {
		rest, err := parseUntilWord(f, args)
		if err != nil {
			return nil, err
		}
		if len(rest) < len(args) && args[len(args)-len(rest)-1] == "--" {
			return append(positional, rest...), nil
		}
		if len(rest) == 0 {
			break
		}
		positional = append(positional, rest[0])
		args = rest[1:]
	}
	return positional, nil
}

// parseUntilWord sets flags up to the first argument that is not a flag, or up to `--`, and returns
// the arguments from there on.
func parseUntilWord(f *flag.FlagSet, args []string) (rest []string, err error) {
	for len(args) > 0 {
		arg := args[0]
		switch {
		case arg == "--":
			return args[1:], nil
		case len(arg) < 2 || arg[0] != '-':
			return args, nil
		case isHelp(arg):
			return nil, errHelp
		}
		if args, err = set(f, args); err != nil {
			return nil, err
		}
	}
	return nil, nil
}

// set sets the first flag of args and returns the remaining arguments.
func set(f *flag.FlagSet, args []string) ([]string, error) {
	name := strings.TrimPrefix(strings.TrimPrefix(args[0], "-"), "-")
	name, value, has := strings.Cut(name, "=")
	args = args[1:]
	fl := f.Lookup(name)
	if fl == nil {
		return nil, unknownFlag(f, name)
	}
	if b, ok := fl.Value.(interface{ IsBoolFlag() bool }); ok && b.IsBoolFlag() && !has {
		value, has = "true", true
	}
	if !has {
		if len(args) == 0 {
			return nil, fmt.Errorf("--%s needs a value", name)
		}
		value, args = args[0], args[1:]
	}
	if err := f.Set(name, value); err != nil {
		return nil, fmt.Errorf("--%s cannot be %q: %s", name, value, wanted(fl, err))
	}
	return args, nil
}

// wanted says what the value of a flag looks like, because the errors of package flag only say
// "parse error".
func wanted(fl *flag.Flag, err error) string {
	switch placeholder, _ := flag.UnquoteUsage(fl); placeholder {
	case "N":
		return "it is a whole number"
	case "DURATION":
		return "it is a duration like 90s or 1h30m"
	case "":
		return "it is true or false"
	}
	return err.Error()
}

// flagAliases maps flags of other programs to those of this one.
var flagAliases = map[string]string{
	"addr": "listen", "address": "listen", "bind": "listen", "data-dir": "data", "e": "endpoint",
	"host": "listen", "i": "input", "json": "output json", "n": "name", "o": "output",
	"port": "listen 127.0.0.1:PORT", "result": "output-json", "url": "endpoint", "v": "verbose",
	"w": "wait",
}

func unknownFlag(f *flag.FlagSet, name string) error {
	var names []string
	f.VisitAll(func(f *flag.Flag) { names = append(names, f.Name) })
	wrong := fmt.Sprintf("there is no flag --%s", name)
	near := suggest.Hint(name, names)
	switch other, _, _ := strings.Cut(flagAliases[name], " "); {
	case other != "" && f.Lookup(other) != nil:
		near = "did you mean '--" + flagAliases[name] + "'?"
	case near != "":
		near = strings.Replace(near, "'", "'--", 1)
	}
	return errors.New(sentence(wrong, near, "--help lists them"))
}
