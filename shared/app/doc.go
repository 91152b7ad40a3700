// Package app has the wiring that both programs share. Package app/local connects all parts to a
// server in one process, package app/cloud to the functions of a cloud.
package app
