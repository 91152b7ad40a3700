package alibaba

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// fileMax is the maximum size of a credentials file in bytes.
const fileMax = 1 << 20

// File returns a Provider of the credentials in a file in the format of Alibaba Cloud's tools:
// sections of `name = value` lines. The section of the given profile ("" means "default") has
// access_key_id, access_key_secret and optionally security_token. File reads the file again when it
// has changed, so that another program can rotate the credentials in it.
//
// An empty path means ~/.alibabacloud/credentials, which need not exist.
func File(path, profile string) Provider {
	f := &file{path: path, profile: profile}
	if profile == "" {
		f.profile = "default"
	}
	if path == "" {
		home, err := os.UserHomeDir()
		if err != nil {
			return Static(Credentials{})
		}
		f.path, f.optional = filepath.Join(home, ".alibabacloud", "credentials"), true
	}
	return f.credentials
}

// file is a credentials file, with its content at the last read.
type file struct {
	path, profile string
	optional      bool

	mu     sync.Mutex
	time   time.Time
	size   int64
	cached Credentials
	err    error
}

func (f *file) credentials(context.Context) (Credentials, error) {
	info, err := os.Stat(f.path)
	if f.optional && errors.Is(err, fs.ErrNotExist) {
		return Credentials{}, ErrNoCredentials
	}
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials file: %w", err)
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if !info.ModTime().Equal(f.time) || info.Size() != f.size || f.err != nil {
		f.cached, f.err = f.read()
		f.time, f.size = info.ModTime(), info.Size()
	}
	return f.cached, f.err
}

func (f *file) read() (Credentials, error) {
	r, err := os.Open(f.path)
	if err != nil {
		return Credentials{}, fmt.Errorf("credentials file: %w", err)
	}
	defer r.Close()
	text, err := io.ReadAll(io.LimitReader(r, fileMax+1))
	if err == nil && len(text) > fileMax {
		err = fmt.Errorf("it is longer than %d bytes", fileMax)
	}
	c := Credentials{}
	if err == nil {
		c, err = ParseFile(text, f.profile)
	}
	if err != nil {
		return c, fmt.Errorf("credentials file %s: %w", f.path, err)
	}
	return c, nil
}

// ParseFile parses a profile of a credentials file. Errors never contain a value.
func ParseFile(text []byte, profile string) (Credentials, error) {
	values, err := section(text, profile)
	if err != nil {
		return Credentials{}, err
	}
	if kind := values["type"]; kind != "" && kind != "access_key" && kind != "sts" {
		return Credentials{}, fmt.Errorf("profile %s: only the types access_key and sts are read",
			profile)
	}
	c := Credentials{values["access_key_id"], values["access_key_secret"], values["security_token"]}
	if !c.Valid() {
		return Credentials{}, fmt.Errorf("profile %s has no access_key_id and access_key_secret",
			profile)
	}
	return c, nil
}

// section returns the values of one section.
func section(text []byte, name string) (map[string]string, error) {
	var values map[string]string
	inside := false
	lines := bufio.NewScanner(bytes.NewReader(text))
	lines.Buffer(nil, fileMax)
	for n := 1; lines.Scan(); n++ {
		line := strings.TrimSpace(lines.Text())
		switch {
		case line == "" || line[0] == '#' || line[0] == ';':
		case line[0] == '[':
			if line[len(line)-1] != ']' {
				return nil, fmt.Errorf("line %d: a section is [name]", n)
			}
			if inside = strings.TrimSpace(line[1:len(line)-1]) == name; inside && values == nil {
				values = map[string]string{}
			}
		default:
			key, v, ok := strings.Cut(line, "=")
			if !ok {
				return nil, fmt.Errorf("line %d: it must be name = value", n)
			}
			if inside {
				values[strings.TrimSpace(key)] = strings.TrimSpace(v)
			}
		}
	}
	if err := lines.Err(); err != nil {
		return nil, err
	}
	if values == nil {
		return nil, fmt.Errorf("there is no profile %s", name)
	}
	return values, nil
}
