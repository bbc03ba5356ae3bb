// Package guest boots a kernel of its own in an emulator and runs a script in it, with chosen programs of this machine.
//
// Start at [Machine.Run]. guest.go starts the emulator and ends it; initramfs.go packs all that the guest has, in the format of archive.go.
// Its first process is test/kernel/init. The guest has no disk, no network and no way to this machine but its console.
package guest

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// What the guest's first process and this package agree on.
const (
	Script = "/script"       // what is run
	Ended  = "guest: ended " // the last line of the console, before the script's status
)

// Machine is a virtual machine that is yet to run.
type Machine struct {
	Kernel   string            // folder with boot/vmlinuz and lib/modules, made by install.sh
	Init     string            // test/kernel/init, linked statically
	Programs []string          // of this machine
	Files    []string          // of this machine
	Tests    map[string]string // where the guest has them, and where this machine has them
}

// ErrNotInstalled tells that install.sh has not run here, or could not do its work.
var ErrNotInstalled = errors.New("not installed; test/kernel/install.sh does it")

// Require returns an error if something is missing that Run needs.
func (m Machine) Require() error {
	if _, err := exec.LookPath(emulator); err != nil {
		return fmt.Errorf("%s is %w", emulator, ErrNotInstalled)
	}
	if _, err := os.Stat(m.vmlinuz()); err != nil {
		return fmt.Errorf("%s is %w", m.vmlinuz(), ErrNotInstalled)
	}
	return nil
}

const emulator = "qemu-system-x86_64"

func (m Machine) vmlinuz() string { return filepath.Join(m.Kernel, "boot", "vmlinuz") }

// Run boots the guest, runs a script of bash in it, hands the lines of its console to line and returns when the guest has ended. The error
// says how the script ended if not well; the end of ctx ends the guest. Files are made in dir.
func (m Machine) Run(ctx context.Context, dir, script string, line func(string)) error {
	initramfs, file := filepath.Join(dir, "initramfs"), filepath.Join(dir, "script")
	if err := os.WriteFile(file, []byte(script), 0o600); err != nil {
		return err
	}
	if err := m.pack(initramfs, file); err != nil {
		return fmt.Errorf("pack what the guest has: %w", err)
	}
	cmd := exec.CommandContext(ctx, emulator,
		// As the processor an old one, whose vectors are not emulated one by one.
		"-accel", "tcg,thread=multi", "-cpu", "Nehalem", "-smp", "2", "-m", "3072", "-kernel", m.vmlinuz(), "-initrd", initramfs,
		"-append", "console=ttyS0 quiet panic=-1 mitigations=off no_timer_check lpj=10000000",
		"-display", "none", "-serial", "stdio", "-monitor", "none", "-no-reboot", "-nic", "none")
	cmd.SysProcAttr = &syscall.SysProcAttr{Pdeathsig: syscall.SIGKILL}
	out, in, err := os.Pipe()
	if err != nil {
		return err
	}
	defer out.Close()
	cmd.Stdout, cmd.Stderr = in, in
	err = cmd.Start()
	in.Close()
	if err != nil {
		return err
	}
	status, err := follow(out, line)
	if waited := cmd.Wait(); ctx.Err() != nil {
		return fmt.Errorf("the guest was ended: %w", context.Cause(ctx))
	} else if err == nil {
		err = waited
	}
	switch {
	case err != nil:
		return fmt.Errorf("%s: %w", emulator, err)
	case status < 0:
		return errors.New("the guest ended before its script")
	case status > 0:
		return fmt.Errorf("the script in the guest ended with status %d", status)
	}
	return nil
}

// follow hands on the lines of the console until its end and returns the script's status, -1 for none.
func follow(console io.Reader, line func(string)) (status int, err error) {
	status = -1
	lines := bufio.NewScanner(console)
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		text := strings.TrimRight(lines.Text(), "\r")
		if number, ended := strings.CutPrefix(text, Ended); ended {
			if status, err = strconv.Atoi(number); err != nil {
				return -1, err
			}
			continue
		}
		line(text)
	}
	return status, lines.Err()
}
