package layout_test

import (
	"go/ast"
	"go/token"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// profiled matches our functions in the compiler's form of a profile: package, receiver, name.
// Function literals count as what declares them.
var profiled = regexp.MustCompile(`(?m)^millrace/([\w/]+)\.(?:\(?\*?(\w+)(?:\[[^\]]*\])?\)?\.)?(\w+)`)

// TestProfileNamesFunctions: the profile that `make build` compiles with names functions that are
// there. The compiler silently ignores the others, so a rename would make the server slower.
func TestProfileNamesFunctions(t *testing.T) {
	const atLeast = 0.9
	text := filepath.Join(t.TempDir(), "profile")
	preprofile := exec.Command("go", "tool", "preprofile", "-o", text,
		"-i", "../../cmd/millrace/server.pgo")
	if out, err := preprofile.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	content, err := os.ReadFile(text)
	if err != nil {
		t.Fatal(err)
	}

	known := declaredFunctions(t)
	seen, missing := map[string]bool{}, []string{}
	for _, m := range profiled.FindAllStringSubmatch(string(content), -1) {
		// A literal in a function looks like a method of it: package.Function.func1.
		method, function := m[1]+"."+m[2]+"."+m[3], m[1]+".."+m[2]
		if m[2] == "" {
			method, function = m[1]+".."+m[3], ""
		}
		if !seen[method] && !known[method] && !known[function] {
			missing = append(missing, strings.Replace(method, "..", ".", 1))
		}
		seen[method] = true
	}
	if len(seen) < 100 {
		t.Fatalf("the profile names only %d of our functions", len(seen))
	}
	if found := 1 - float64(len(missing))/float64(len(seen)); found < atLeast {
		t.Errorf("of %d functions in the profile only %.0f %% are there; run `make profile`. "+
			"Missing: %s", len(seen), 100*found, strings.Join(missing, ", "))
	}
}

// declaredFunctions returns the functions of all packages as directory.receiver.name.
func declaredFunctions(t *testing.T) map[string]bool {
	t.Helper()
	known := map[string]bool{}
	each(t, func(path string, _ *token.FileSet, file *ast.File) {
		dir, err := filepath.Rel("../..", filepath.Dir(path))
		if err != nil {
			t.Fatal(err)
		}
		for _, d := range file.Decls {
			if f, ok := d.(*ast.FuncDecl); ok {
				known[filepath.ToSlash(dir)+"."+receiver(f)+"."+f.Name.Name] = true
			}
		}
	})
	return known
}

// receiver returns the name of a method's type; empty: a function.
func receiver(f *ast.FuncDecl) string {
	if f.Recv == nil {
		return ""
	}
	typ := f.Recv.List[0].Type
	if pointer, ok := typ.(*ast.StarExpr); ok {
		typ = pointer.X
	}
	switch generic := typ.(type) {
	case *ast.IndexExpr:
		typ = generic.X
	case *ast.IndexListExpr:
		typ = generic.X
	}
	if name, ok := typ.(*ast.Ident); ok {
		return name.Name
	}
	return ""
}
