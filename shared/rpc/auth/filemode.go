package auth

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// WarnOfFile warns if other users of the machine may change or replace a file that the server
// trusts or, if it is secret, read it. It ignores "" and a file that cannot be inspected.
func WarnOfFile(log *slog.Logger, path string, secret bool) {
	if path == "" {
		return
	}
	info, err := os.Stat(path)
	if err != nil || !info.Mode().IsRegular() {
		return
	}
	switch {
	case secret && othersMay(info, 0o026):
		log.Warn("other users of this machine may read or change this file; chmod 600 it",
			"file", path)
	case othersMay(info, 0o022):
		log.Warn("other users of this machine may change this file; chmod go-w it", "file", path)
	}
	if folder := worldWritableFolder(path); folder != "" {
		log.Warn("other users of this machine may replace this file, "+
			"for they may change a folder on its path; chmod go-w the folder",
			"file", path, "folder", folder)
	}
}

// worldWritableFolder returns a folder on the path of the file in which other users may replace
// files; "" if there is none. In a folder with the sticky bit, such as /tmp, users cannot replace
// the files of others.
func worldWritableFolder(path string) string {
	path, err := filepath.Abs(path)
	if err != nil {
		return ""
	}
	if resolved, err := filepath.EvalSymlinks(path); err == nil {
		path = resolved
	}
	for folder := filepath.Dir(path); ; folder = filepath.Dir(folder) {
		info, err := os.Stat(folder)
		if err == nil && info.Mode()&fs.ModeSticky == 0 && othersMay(info, 0o022) {
			return folder
		}
		if folder == filepath.Dir(folder) {
			return ""
		}
	}
}
