package openflow

// Update is the flag with which files that tests make are written again.
var Update = update
