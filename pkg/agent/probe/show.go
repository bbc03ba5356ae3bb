package probe

import (
	"strconv"
	"strings"
	"time"
)

// detectTimes reads from the output of bfd/show how long the peer of each port may be silent now.
func detectTimes(text string) map[string]time.Duration {
	times := make(map[string]time.Duration)
	var port string
	var interval int
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if name, ok := strings.CutPrefix(line, "---- "); ok {
			port, interval = strings.TrimSuffix(name, " ----"), 0
			continue
		}
		field, value, _ := strings.Cut(line, ":")
		value = strings.TrimSpace(value)
		switch field {
		case "RX Interval":
			interval, _ = strconv.Atoi(strings.TrimSuffix(strings.TrimPrefix(value, "Approx "), "ms"))
		case "Remote Detect Multiplier":
			if remote, err := strconv.Atoi(value); err == nil && remote > 0 && interval > 0 {
				times[port] = time.Duration(interval*remote) * time.Millisecond
			}
		}
	}
	return times
}
