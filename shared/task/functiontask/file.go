package functiontask

import (
	"fmt"
	"path/filepath"

	"millrace/shared/task"
	"millrace/shared/yamldoc/strict"
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
	Buckets   []Bucket
}

// Bucket is a directory that holds the objects of a bucket.
type Bucket struct{ Bucket, Dir string }

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
	// Lambda and FC name the function of a cloud that carries the functions out, in a file for a
	// cloud. Such a function has nothing else.
	Lambda, FC string

	account string // account of all its functions; "" if there may be several
}

// Load reads the functions file at path. Relative directories in it are relative to the file's
// directory. The error has the place of every mistake.
func Load(path string) (*File, error) {
	text, err := strict.Read(path, fileBytesMax)
	if err != nil {
		return nil, fmt.Errorf("functions file: %w", err)
	}
	return parse(path, text, filepath.Dir(path), checker{})
}

// Parse reads the text of a functions file; mistakes begin with name. Relative directories in it
// are relative to the working directory.
func Parse(name string, text []byte) (*File, error) { return parse(name, text, "", checker{}) }

// ParseCloud reads the text of a functions file for functions in a cloud: a function may be a
// function of the cloud, and must not be a command.
func ParseCloud(name string, text []byte) (*File, error) {
	return parse(name, text, "", checker{cloud: true})
}

func parse(name string, text []byte, dir string, c checker) (*File, error) {
	var d document
	if err := strict.Decode(name, text, &d, strict.Options{BytesMax: fileBytesMax,
		Help: "docs/functions.md has the format", Check: c.check}); err != nil {
		return nil, err
	}
	return d.file(dir), nil
}
