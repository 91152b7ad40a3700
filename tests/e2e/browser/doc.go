// Package browser has tests of the console in a real browser, Chromium: every page in both
// languages and both colour schemes, live updates, the keyboard, accessibility (axe-core), narrow
// windows, hostile content. run.sh installs what it needs.
package browser
