package rpc

import (
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
)

// WarnOfFile warns when other users of the machine may change a file that the server trusts, or put
// another in its place, or, when it is secret, read it. "" is no file; one that cannot be looked at
// is not warned of.
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
		log.Warn("other users of this machine may read or change this file; chmod 600 it", "file", path)
	case othersMay(info, 0o022):
		log.Warn("other users of this machine may change this file; chmod go-w it", "file", path)
	}
	if folder := worldWritableFolder(path); folder != "" {
		log.Warn("other users of this machine may replace this file, for they may change a folder on its path; "+
			"chmod go-w the folder", "file", path, "folder", folder)
	}
}

// worldWritableFolder is a folder above the file in which others may put another in its place; "" for none.
// In one with the sticky bit, such as /tmp, users cannot do that to files of others.
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
