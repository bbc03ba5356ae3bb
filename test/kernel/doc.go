// Package kernel runs tests of other packages on the kernel's datapath: in a guest with a stock kernel of Debian's, whatever the kernel of
// this machine has.
//
// Start at kernel_test.go, which lists them. They are the tests that `make test` runs on the userspace datapath; ovstest.DatapathEnv is all
// that differs, so both datapaths are held to the same. Package guest is the virtual machine, install.sh installs what it needs.
package kernel
