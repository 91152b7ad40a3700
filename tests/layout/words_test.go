package layout_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
	"unicode"
)

// retired maps words that docs/glossary.md has retired, as parts of names, to their replacements.
var retired = map[string]string{
	"bear": "wait, tolerate", "burden": "poison", "census": "quota", "cramped": "disk full",
	"errand": "background", "hasten": "coalesce", "knock": "outbox", "legacy": "FlowV1",
	"news": "message", "outrun": "conflict", "thin": "accept only", "verdict": "reply",
	"whoever": "the actor",
}

// retiredInside maps words that mean something else outside of the packages of inside, such as dead
// letters, to their replacements.
var retiredInside = map[string]string{
	"cell": "mailbox", "committer": "mailbox", "fold": "transaction, step", "letter": "inbox entry",
	"letters": "inbox entries", "shift": "work session",
}

var inside = regexp.MustCompile(`^(\.\./){2}(shared/(engine|interp|store)/[^/]+$|tests/sim/)`)

// TestRetiredNames: no declared name contains a retired word.
func TestRetiredNames(t *testing.T) {
	each(t, func(path string, set *token.FileSet, file *ast.File) {
		ast.Inspect(file, func(n ast.Node) bool {
			id := declared(n)
			if id == nil {
				return true
			}
			for _, word := range parts(id.Name) {
				instead, found := retired[word]
				if !found && inside.MatchString(filepath.ToSlash(path)) {
					instead, found = retiredInside[word]
				}
				if found {
					t.Errorf("%s: %s: docs/glossary.md says %s", set.Position(id.Pos()), id.Name,
						instead)
				}
			}
			return true
		})
	})
}

// declared returns the name that a node declares; nil: none.
func declared(n ast.Node) *ast.Ident {
	switch n := n.(type) {
	case *ast.FuncDecl: // methods too
		return n.Name
	case *ast.Ident:
		if n.Obj != nil && n.Obj.Pos() == n.Pos() {
			return n
		}
	}
	return nil
}

// phrases matches phrases that docs/glossary.md bans from comments.
var phrases = regexp.MustCompile(
	`\b(tells whether|[Ww]hoever|what becomes of|what has become of|is told whether)\b`)

// TestRetiredPhrases: comments name the actor and the object.
func TestRetiredPhrases(t *testing.T) {
	each(t, func(path string, set *token.FileSet, file *ast.File) {
		for _, group := range file.Comments {
			for _, c := range group.List {
				if m := phrases.FindString(c.Text); m != "" {
					t.Errorf("%s: %q", set.Position(c.Pos()), m)
				}
			}
		}
	})
}

// parts splits a name into its words, in lower case.
func parts(name string) (words []string) {
	start := 0
	for i, r := range name {
		if i > start && (unicode.IsUpper(r) || r == '_') {
			words, start = append(words, strings.ToLower(strings.Trim(name[start:i], "_"))), i
		}
	}
	return append(words, strings.ToLower(strings.Trim(name[start:], "_")))
}

// each parses every Go file of the module.
func each(t *testing.T, see func(path string, set *token.FileSet, file *ast.File)) {
	t.Helper()
	files := 0
	err := filepath.WalkDir("../..", func(path string, d os.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "node_modules" || strings.HasPrefix(d.Name(), ".") &&
			len(d.Name()) > 2):
			return filepath.SkipDir
		case d.IsDir() || !strings.HasSuffix(path, ".go"):
			return nil
		}
		files++
		set := token.NewFileSet()
		file, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		see(path, set, file)
		return nil
	})
	if err != nil || files < 500 {
		t.Fatalf("%d files, %v", files, err)
	}
}
