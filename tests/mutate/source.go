package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
)

// source is a package to mutate: its files as text and as trees, and their types.
type source struct {
	path  string // import path
	files []*file
	set   *token.FileSet
	conf  types.Config
	info  *types.Info
	types *types.Package
}

// file is one file of a source.
type file struct {
	name string // from the root of the repository, with slashes
	abs  string
	text []byte
	tree *ast.File
}

// listed is the output of `go list -json` for a package.
type listed struct {
	ImportPath string
	Dir        string
	Export     string
	GoFiles    []string
	Deps       []string
	ForTest    string
	DepOnly    bool
}

// golist lists packages; args are flags and patterns.
func golist(root string, args ...string) ([]listed, error) {
	c := exec.Command("go", append([]string{"list",
		"-json=ImportPath,Dir,Export,GoFiles,Deps,ForTest,DepOnly"}, args...)...)
	c.Dir, c.Env = root, environ()
	var stderr bytes.Buffer
	c.Stderr = &stderr
	out, err := c.Output()
	if err != nil {
		return nil, fmt.Errorf("go list: %w\n%s", err, stderr.Bytes())
	}
	var list []listed
	for d := json.NewDecoder(bytes.NewReader(out)); ; {
		var p listed
		if err := d.Decode(&p); errors.Is(err, io.EOF) {
			return list, nil
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		list = append(list, p)
	}
}

// load reads the packages of the patterns, without their tests, and the types of their imports.
func load(root string, patterns []string) ([]*source, error) {
	list, err := golist(root, append([]string{"-export", "-deps"}, patterns...)...)
	if err != nil {
		return nil, err
	}
	exports := map[string]string{}
	for _, p := range list {
		exports[p.ImportPath] = p.Export
	}
	lookup := func(path string) (io.ReadCloser, error) {
		if exports[path] == "" {
			return nil, fmt.Errorf("no export data of %s", path)
		}
		return os.Open(exports[path])
	}
	var sources []*source
	for _, p := range list {
		if p.DepOnly {
			continue
		}
		set := token.NewFileSet()
		s := &source{path: p.ImportPath, set: set}
		s.conf.Importer = importer.ForCompiler(set, "gc", lookup)
		if err := s.read(root, p); err != nil {
			return nil, err
		}
		sources = append(sources, s)
	}
	return sources, nil
}

// read parses and type-checks the files of a package. Generated files only contribute their types.
func (s *source) read(root string, p listed) error {
	for _, name := range p.GoFiles {
		abs := filepath.Join(p.Dir, name)
		text, err := os.ReadFile(abs)
		if err != nil {
			return err
		}
		mode := parser.ParseComments | parser.SkipObjectResolution
		tree, err := parser.ParseFile(s.set, abs, text, mode)
		if err != nil {
			return err
		}
		rel, err := filepath.Rel(root, abs)
		if err != nil {
			return err
		}
		f := &file{name: filepath.ToSlash(rel), abs: abs, text: text, tree: tree}
		s.files = append(s.files, f)
	}
	s.info = &types.Info{
		Types: map[ast.Expr]types.TypeAndValue{}, Defs: map[*ast.Ident]types.Object{},
		Uses: map[*ast.Ident]types.Object{}, Scopes: map[ast.Node]*types.Scope{},
		Selections: map[*ast.SelectorExpr]*types.Selection{},
	}
	var err error
	s.types, err = s.check(nil, nil, s.info)
	return err
}

// check type-checks the package with another text for one file. It returns the first error.
func (s *source) check(changed *file, text []byte, info *types.Info) (*types.Package, error) {
	var trees []*ast.File
	for _, f := range s.files {
		tree := f.tree
		if f == changed {
			var err error
			tree, err = parser.ParseFile(s.set, f.abs, text, parser.SkipObjectResolution)
			if err != nil {
				return nil, err
			}
		}
		trees = append(trees, tree)
	}
	return s.conf.Check(s.path, s.set, trees, info)
}

// environ returns the environment of the commands that build and list. Paths in the binaries must
// be the real ones, because some tests find their data by them.
func environ() []string {
	var env []string
	for _, v := range os.Environ() {
		if flags, ok := strings.CutPrefix(v, "GOFLAGS="); ok {
			v = "GOFLAGS=" + strings.TrimSpace(strings.ReplaceAll(flags, "-trimpath", ""))
		}
		env = append(env, v)
	}
	return env
}
