package openflow

import (
	"iter"
	"strings"
)

// words splits text at commas and blanks that are not inside parentheses or brackets.
func words(s string) iter.Seq[string] {
	return func(yield func(string) bool) {
		depth, start := 0, 0
		for i := 0; i <= len(s); i++ {
			if i < len(s) {
				switch s[i] {
				case '(', '[':
					depth++
					continue
				case ')', ']':
					depth--
					continue
				case ',', ' ', '\t', '\n', '\r':
					if depth > 0 {
						continue
					}
				default:
					continue
				}
			}
			if i > start && !yield(s[start:i]) {
				return
			}
			start = i + 1
		}
	}
}

// cutCall splits name:argument and name(argument); a name alone has no argument.
func cutCall(s string) (name, argument string) {
	i := strings.IndexAny(s, ":(")
	switch {
	case i < 0:
		return s, ""
	case s[i] == ':':
		return s[:i], s[i+1:]
	}
	return s[:i], strings.TrimSuffix(s[i+1:], ")")
}
