package cli

import (
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/pflag"
)

func isHelp(arg string) bool { return arg == "-h" || arg == "--help" || arg == "-help" }

// isFlagError reports whether err is one of the parser's.
func isFlagError(err error) bool {
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	return errors.As(err, &unknown) || errors.As(err, &empty) || errors.As(err, &invalid) ||
		errors.As(err, &syntax)
}

// flagError rewords an error of the parser: it says what the value of the flag looks like, or which
// flag was probably meant. args are those of the program.
func flagError(f *pflag.FlagSet, args []string, err error) error {
	var unknown *pflag.NotExistError
	var empty *pflag.ValueRequiredError
	var invalid *pflag.InvalidValueError
	var syntax *pflag.InvalidSyntaxError
	switch {
	case errors.As(err, &unknown):
		if cluster := unknown.GetSpecifiedShortnames(); cluster != "" {
			return unknownShort(f, args, unknown.GetSpecifiedName(), cluster)
		}
		return unknownFlag(f, "--", unknown.GetSpecifiedName())
	case errors.As(err, &empty):
		return fmt.Errorf("--%s needs a value", empty.GetFlag().Name)
	case errors.As(err, &invalid):
		return fmt.Errorf("--%s cannot be %q: %s", invalid.GetFlag().Name, invalid.GetValue(),
			wanted(invalid.GetFlag(), invalid.Unwrap()))
	case errors.As(err, &syntax):
		return fmt.Errorf("there is no flag %s; --help lists them", syntax.GetSpecifiedFlag())
	}
	return err
}

// wanted says what the value of a flag looks like, because the parser's errors name Go's functions.
func wanted(fl *pflag.Flag, err error) string {
	switch placeholder, _ := pflag.UnquoteUsage(fl); placeholder {
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
	"addr": "listen", "address": "listen", "bind": "listen", "data-dir": "data",
	"host": "listen", "json": "output json", "n": "limit",
	"port": "listen 127.0.0.1:PORT", "url": "endpoint",
}

// unknownFlag returns the error for a flag that does not exist, as it was written: its dashes and
// its name.
func unknownFlag(f *pflag.FlagSet, dashes, name string) error {
	var names []string
	f.VisitAll(func(f *pflag.Flag) {
		if !f.Hidden {
			names = append(names, f.Name)
		}
	})
	near := closest(name, names)
	other, _, _ := strings.Cut(flagAliases[name], " ")
	switch {
	case other != "" && slices.Contains(names, other):
		near = flagAliases[name]
	case dashes == "-" && slices.Contains(names, name):
		near = name
	}
	if near != "" {
		near = "--" + near
	}
	return errors.New(sentence(fmt.Sprintf("there is no flag %s%s", dashes, name), near,
		"--help lists them"))
}

// unknownShort returns the error for a short flag that does not exist. cluster is what the parser
// had left of the argument; the argument may be a long flag with one dash, like -timeout.
func unknownShort(f *pflag.FlagSet, args []string, name, cluster string) error {
	for _, arg := range args {
		if long, ok := strings.CutPrefix(arg, "-"); ok && strings.HasSuffix(long, cluster) &&
			!strings.HasPrefix(long, "-") && len(long) > 1 {
			long, _, _ = strings.Cut(long, "=")
			return unknownFlag(f, "-", long)
		}
	}
	return unknownFlag(f, "-", name)
}
