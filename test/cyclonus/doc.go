// Package cyclonus holds package policy against the matcher of github.com/mattfenwick/cyclonus, which others have written for the
// same question. It is a module of its own, so that what that needs is not needed by antrea-mc.
package cyclonus
