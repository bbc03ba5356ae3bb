// Package nad finds what is wrong with NetworkAttachmentDefinitions before a Pod meets it.
//
// Start at [Check]. config.go is about the configuration of a network and its plugins, overlap.go about what several networks
// say of the same addresses. It reads no API and no file, and decides by the code that attaches Pods.
package nad
