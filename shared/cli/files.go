package cli

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"sort"
	"strings"
)

// filesMax is the most files that a folder may hold.
const filesMax = 10_000

// found is a file that an argument names or that is in a folder. Files in folders may turn out not
// to be what the command wants.
type found struct {
	path  string
	named bool
}

// files returns the files that args stand for, each once. An argument is a file, `-`, a pattern
// that the shell did not expand, or a folder, in which wanted selects the files. Hidden folders and
// node_modules are skipped.
func files(args []string, wanted func(name string) bool) ([]found, error) {
	var list []found
	index := map[string]int{} // index in list, by path
	add := func(path string, named bool) {
		key := filepath.Clean(path)
		if i, ok := index[key]; ok {
			list[i].named = list[i].named || named
			return
		}
		index[key] = len(list)
		list = append(list, found{path, named})
	}
	for _, arg := range args {
		paths := []string{arg}
		info, err := os.Stat(arg)
		switch {
		case arg == "-":
			add(arg, true)
			continue
		case errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(arg, "*?["):
			if paths, err = filepath.Glob(arg); err == nil && len(paths) == 0 {
				err = usagef("no file matches %s", arg)
			}
			if err != nil {
				return nil, usageError{err}
			}
			sort.Strings(paths)
		case err != nil:
			return nil, usageError{readable(err)}
		case info.IsDir():
			if paths, err = walk(arg, wanted); err != nil {
				return nil, usageError{readable(err)}
			}
			for _, p := range paths {
				add(p, false)
			}
			continue
		}
		for _, p := range paths {
			add(p, true)
		}
	}
	return list, nil
}

func walk(folder string, wanted func(string) bool) (paths []string, err error) {
	err = filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		name := d.Name()
		switch {
		case err != nil:
			return err
		case d.IsDir() && path != folder &&
			(strings.HasPrefix(name, ".") || name == "node_modules"):
			return filepath.SkipDir
		case !d.IsDir() && wanted(name):
			if paths = append(paths, path); len(paths) > filesMax {
				return usagef("there are more than %d files in %s", filesMax, folder)
			}
		}
		return nil
	})
	return paths, err
}

// isCases reports whether the name is that of a file of test cases.
func isCases(name string) bool {
	for _, suffix := range [...]string{".cases.yaml", ".cases.yml", ".cases.json"} {
		if strings.HasSuffix(name, suffix) {
			return true
		}
	}
	return false
}

// isDefinition reports whether the name may be that of a flow definition.
func isDefinition(name string) bool {
	return (strings.HasSuffix(name, ".yaml") || strings.HasSuffix(name, ".yml")) && !isCases(name)
}
