package functiontask

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"gopkg.in/yaml.v3"

	"millrace/shared/task"
	"millrace/shared/yamldoc"
)

// Limits of a functions file.
const (
	fileBytesMax   = 1 << 20
	concurrencyMax = 256
	timeoutMax     = 86400 // seconds; the maximum timeout of a function in Function Compute
)

// File is the content of a functions file.
type File struct {
	Functions []Function
	Actions   []task.Mapping
}

// Function says how to run the functions that Match matches; the first match wins. Exactly one of
// HTTP, Reply, Error and Command is set.
type Function struct {
	task.Mapping
	Command []string          // the program and its arguments
	Dir     string            // its working directory
	Env     map[string]string // variables; they override all others
	Inherit []string          // names of the server's own variables that the processes get
	// User is the user that the processes run as: a name, or `uid[:gid]`; "" is the server's own
	// user.
	User string
	// Concurrency is the maximum number of processes, each with one invocation at a time; 0 means
	// 1.
	Concurrency int

	account string // account of all its functions; "" if there may be several
}

// Load reads the functions file at path. Relative directories in it are relative to the file's
// directory. The error has the file and line of every fault.
func Load(path string) (*File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("functions file: %w", err)
	}
	if info.Size() > fileBytesMax {
		return nil, yamldoc.InFile(path, fmt.Errorf("it is larger than %d bytes", fileBytesMax))
	}
	text, err := os.ReadFile(path)
	if err != nil {
		return nil, fmt.Errorf("functions file: %w", err)
	}
	return parse(path, text, filepath.Dir(path))
}

// Parse reads the text of a functions file. Relative directories in it are relative to the working
// directory.
func Parse(text []byte) (*File, error) { return parse("functions", text, "") }

func parse(name string, text []byte, dir string) (*File, error) {
	if len(text) > fileBytesMax {
		return nil, yamldoc.InFile(name, fmt.Errorf("it is larger than %d bytes", fileBytesMax))
	}
	file := &File{}
	root, err := yamldoc.Decode(text)
	if err == yamldoc.ErrEmpty {
		return file, nil
	} else if err != nil {
		return nil, yamldoc.InFile(name, err)
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
