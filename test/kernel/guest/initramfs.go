package guest

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
)

// folders are where the kernel's file systems are mounted, and what programs take for granted.
var folders = []string{"dev", "etc", "proc", "root", "run", "sys", "tmp", "var", "var/tmp"}

// pack writes the archive that is all that the guest has.
func (m Machine) pack(file, script string) error {
	a := newArchive()
	for _, dir := range folders {
		a.folder(dir)
	}
	a.link("var/run", "/run")
	// Where /bin is a part of /usr, it is so in the guest.
	for _, dir := range []string{"bin", "sbin", "lib", "lib64"} {
		if to, err := os.Readlink("/" + dir); err == nil {
			a.link(dir, to)
		}
	}
	err := errors.Join(a.file("init", m.Init), a.file(Script, script))
	for _, p := range m.Programs {
		err = errors.Join(err, a.program(p))
	}
	for _, f := range m.Files {
		err = errors.Join(err, a.file(f, f))
	}
	for name, from := range m.Tests {
		err = errors.Join(err, a.file(name, from), a.libraries(from))
	}
	modules := filepath.Join(m.Kernel, "lib", "modules")
	err = errors.Join(err, filepath.WalkDir(modules, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		below, err := filepath.Rel(modules, path)
		if err != nil {
			return err
		}
		return a.file(filepath.Join("usr/lib/modules", below), path)
	}))
	if err != nil {
		return err
	}
	return os.WriteFile(file, a.end(), 0o600)
}

// program adds a program of this machine with its libraries, at its own place.
func (a *archive) program(name string) error {
	path, err := exec.LookPath(name)
	for _, dir := range []string{"/usr/sbin", "/sbin"} {
		if err != nil {
			path, err = exec.LookPath(filepath.Join(dir, name))
		}
	}
	if err != nil {
		return err
	}
	return errors.Join(a.file(path, path), a.libraries(path))
}

// library is a file in the output of ldd.
var library = regexp.MustCompile(`(?m)(?:=> |^\s*)(/\S+) \(`)

// libraries adds what a program is linked with.
func (a *archive) libraries(program string) error {
	out, err := exec.Command("ldd", program).CombinedOutput()
	if err != nil {
		if strings.Contains(string(out), "not a dynamic executable") {
			return nil
		}
		return fmt.Errorf("ldd %s: %w: %s", program, err, out)
	}
	for _, m := range library.FindAllStringSubmatch(string(out), -1) {
		if err := a.file(m[1], m[1]); err != nil {
			return err
		}
	}
	return nil
}
