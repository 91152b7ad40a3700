package console

import (
	"crypto/sha256"
	"encoding/hex"
	"net/http"
	"path"
	"strings"

	"millrace/shared/chart"
	"millrace/shared/graph"
)

// asset is a style sheet or a script. Its address holds the hash of its bytes, so a browser keeps
// it for ever.
type asset struct {
	address, kind string
	bytes         []byte
}

// readAssets returns the assets by their names.
func readAssets() map[string]asset {
	all := map[string]asset{}
	entries, err := assets.ReadDir("assets")
	if err != nil {
		panic(err) // they are part of the program
	}
	for _, entry := range entries {
		text, err := assets.ReadFile("assets/" + entry.Name())
		if err != nil {
			panic(err)
		}
		kind := map[string]string{".css": "text/css; charset=utf-8",
			".js": "text/javascript; charset=utf-8"}[path.Ext(entry.Name())]
		if entry.Name() == "style.css" {
			text = append(append(text, graph.Style...), chart.Style...)
		}
		sum := sha256.Sum256(text)
		name, ext, _ := strings.Cut(entry.Name(), ".")
		all[entry.Name()] = asset{name + "-" + hex.EncodeToString(sum[:6]) + "." + ext, kind, text}
	}
	return all
}

func (c *Console) asset(w http.ResponseWriter, r *http.Request) {
	for _, a := range c.assets {
		if a.address == r.PathValue("name") {
			w.Header().Set("Content-Type", a.kind)
			w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			w.Write(a.bytes)
			return
		}
	}
	http.NotFound(w, r)
}
