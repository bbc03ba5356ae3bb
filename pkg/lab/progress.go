package lab

import (
	"fmt"
	"io"
	"os"
	"strings"
	"sync"
	"time"
)

// Progress prints what a long command is doing, with the seconds since it began. The zero value prints nothing.
type Progress struct {
	mu    sync.Mutex
	out   io.Writer
	start time.Time
}

// NewProgress returns a Progress that prints to out.
func NewProgress(out io.Writer) *Progress { return &Progress{out: out, start: time.Now()} }

// Say prints one line.
func (p *Progress) Say(format string, args ...any) {
	if p == nil || p.out == nil {
		return
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	fmt.Fprintf(p.out, "%6.1fs  %s\n", time.Since(p.start).Seconds(), fmt.Sprintf(format, args...))
}

// A ComponentError says which program of a lab failed, and shows the end of its log.
type ComponentError struct {
	Component string // such as "kubelet of cl1-node1"
	What      string // such as "ended with status 1"
	Log       string // its log file
}

func (e *ComponentError) Error() string {
	text := e.Component + ": " + e.What
	if tail := logTail(e.Log); tail != "" {
		text += "\nend of " + e.Log + ":\n" + tail
	}
	return text
}

// tailBytes is how much of a log an error shows.
const tailBytes = 2000

func logTail(file string) string {
	f, err := os.Open(file)
	if err != nil {
		return ""
	}
	defer f.Close()
	if info, err := f.Stat(); err == nil && info.Size() > tailBytes {
		_, _ = f.Seek(-tailBytes, io.SeekEnd)
	}
	text, err := io.ReadAll(f)
	if err != nil || len(text) == 0 {
		return ""
	}
	lines := strings.Split(strings.TrimRight(string(text), "\n"), "\n")
	if len(text) >= tailBytes && len(lines) > 1 {
		lines = lines[1:] // the first is cut off
	}
	return "    " + strings.Join(lines, "\n    ")
}
