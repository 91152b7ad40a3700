package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// result is one line of the file of results.
type result struct {
	ID      string `json:"id"`
	Line    int    `json:"line"`
	Package string `json:"package"`
	Op      string `json:"operator"`
	Diff    string `json:"diff"`
	Seeds   uint64 `json:"seeds"` // of the simulation, beginning with 1
	Unit    trial  `json:"unit"`
	Sim     trial  `json:"simulation"`
}

func (r result) isCaught() bool { return r.Unit.How.isCaught() || r.Sim.How.isCaught() }

func (r result) broken() bool { return r.Unit.How == unbuilt || r.Sim.How == unbuilt }

// readResults returns the last result of each mutant. A missing file means no results.
func readResults(name string) (map[string]result, error) {
	found := map[string]result{}
	f, err := os.Open(name)
	if errors.Is(err, fs.ErrNotExist) {
		return found, nil
	} else if err != nil {
		return nil, err
	}
	defer f.Close()
	s := bufio.NewScanner(f)
	s.Buffer(nil, 1<<20)
	for s.Scan() {
		var r result
		if err := json.Unmarshal(s.Bytes(), &r); err != nil {
			return nil, fmt.Errorf("%s: %w", name, err)
		}
		found[r.ID] = r
	}
	return found, s.Err()
}

// addResult appends a result to the file.
func addResult(name string, r result) error {
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		return err
	}
	f, err := os.OpenFile(name, os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	line, err := json.Marshal(r)
	if err == nil {
		_, err = f.Write(append(line, '\n'))
	}
	return errors.Join(err, f.Close())
}

// readEquivalent reads the list of mutants that are equivalent to the code: an id and a reason in
// each line.
func readEquivalent(name string) (map[string]string, error) {
	text, err := os.ReadFile(name)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	} else if err != nil {
		return nil, err
	}
	list := map[string]string{}
	for line := range strings.Lines(string(text)) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		id, reason, _ := strings.Cut(line, " ")
		if reason = strings.TrimSpace(reason); reason == "" || list[id] != "" {
			return nil, fmt.Errorf("%s: %s is there twice, or has no reason", name, id)
		}
		list[id] = reason
	}
	return list, nil
}
