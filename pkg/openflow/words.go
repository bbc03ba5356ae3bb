package openflow

import (
	"iter"
	"strings"
)

// words splits text at commas and blanks that are not inside parentheses, brackets or quotes. It goes over the words and
// where they begin.
func words(s string) iter.Seq2[int, string] {
	return func(yield func(int, string) bool) {
		depth, start, quoted := 0, 0, false
		for i := 0; i <= len(s); i++ {
			if i < len(s) {
				c := s[i]
				if c == '"' {
					quoted = !quoted
				}
				if quoted && c == '\\' {
					i++ // and what it stands before
				}
				if quoted {
					continue
				}
				switch c {
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
			if i > start && !yield(start, s[start:i]) {
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
