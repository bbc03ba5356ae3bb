// Package whereabouts is what Whereabouts users write and what they find: its configuration, and the names of its objects.
//
// Start at [Parse]. document.go puts the network configuration and the file of the Node together, range.go reads ranges,
// requested.go the addresses that a Pod asks for, and names.go says what the objects in the API are called. What the
// configuration says and cannot be kept is an error that names the key and the fix (error.go); nothing is passed over in silence.
// Nothing is stored or sent here.
package whereabouts
