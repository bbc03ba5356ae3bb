// Package ipam chooses addresses from ranges.
//
// Start at [Pool.Next]: a [Pool] is a list of ranges of which an attachment gets one address, and what is in use is a question
// that the caller answers, so nothing is stored here and the same question has the same answer. range.go says which addresses
// a range has. Package hostlocal beside it reads the configuration and the files of the host-local plugin.
package ipam
