package functiontask

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"millrace/shared/task"
	"millrace/shared/yamltext"
)

// Limits of a functions file.
const (
	fileBytesMax   = 1 << 20
	concurrencyMax = 256
	timeoutMax     = 86400 // seconds, the longest that Function Compute lets a function run
)

// File is a functions file.
type File struct {
	Functions []Function
	Actions   []task.Mapping
}

// Function is what answers the calls of the functions that Match matches: first match wins. Exactly one of HTTP,
// Reply, Error and Command is set.
type Function struct {
	task.Mapping
	Command     []string          // the program and its arguments
	Dir         string            // its working directory
	Env         map[string]string // variables; they win over all others
	Inherit     []string          // names of the server's own variables that the processes get
	User        string            // whom they run as: a name, or `uid[:gid]`; "" is the server's own user
	Concurrency int               // processes at most, each with one invocation at a time; 0 is 1

	account string // that all its functions belong to; "" when there may be several
}

// Load reads the functions file at path. Relative directories in it count from the file's own. The error names file
// and line of everything that is wrong.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("functions file: %w", err)
	}
	if info.Size() > fileBytesMax {
		return nil, fmt.Errorf("functions file: %s is larger than %d bytes", path, fileBytesMax)
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("functions file: %w", err)
	}
	return parse(path, text, filepath.Dir(path))
}

// Parse reads the text of a functions file; relative directories count from the working directory.
func Parse(text []byte) (*File, error) { return parse("functions", text, "") }

func parse(name string, text []byte, dir string) (*File, error) {
	if len(text) > fileBytesMax {
		return nil, fmt.Errorf("%s is larger than %d bytes", name, fileBytesMax)
	}
	file := &File{}
	root, err := yamltext.Decode(text)
	if err == yamltext.ErrEmpty {
		return file, nil
	} else if err != nil {
		return nil, fmt.Errorf("%s: %w", name, err)
	}
	p := &parser{name: name, dir: dir}
	p.object(root, fields{
		"functions": func(n *yaml.Node) { p.each(n, func(n *yaml.Node) { p.function(n, file) }) },
		"actions":   func(n *yaml.Node) { p.each(n, func(n *yaml.Node) { p.action(n, file) }) },
	})
	if len(p.errs) > 0 {
		return nil, errors.Join(p.errs...)
	}
	return file, nil
}
