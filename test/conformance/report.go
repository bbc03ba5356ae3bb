package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Skip is a group of specs that are not run.
type Skip struct {
	Match string `json:"match"`
	Why   string `json:"why"`

	expr *regexp.Regexp
}

// spec is one test as Ginkgo reports it.
type spec struct {
	ContainerHierarchyTexts []string
	LeafNodeType            string
	LeafNodeText            string
	State                   string
	RunTime                 time.Duration
	Failure                 struct{ Message string }
}

func (s spec) name() string {
	return strings.Join(append(slices.Clone(s.ContainerHierarchyTexts), s.LeafNodeText), " ")
}

// summary is what became of the specs that were meant.
type summary struct {
	passed, failed []spec
	skipped        map[string]int // by reason
	// problems are specs that skipped themselves without being listed, and entries of the list that are about nothing.
	problems []string
}

// readReport reads what Ginkgo writes as JSON.
func readReport(text []byte) ([]spec, error) {
	var suites []struct{ SpecReports []spec }
	if err := json.Unmarshal(text, &suites); err != nil {
		return nil, fmt.Errorf("report of the tests: %w", err)
	}
	var all []spec
	for _, s := range suites {
		all = append(all, s.SpecReports...)
	}
	return all, nil
}

// summarize judges the specs whose names match focus. With a whole run, every entry of the list must be about one.
func summarize(all []spec, focus *regexp.Regexp, skips []Skip, whole bool) summary {
	s := summary{skipped: make(map[string]int)}
	about := make(map[string]bool)
	for _, one := range all {
		name := one.name()
		switch {
		case one.LeafNodeType != "It":
			if one.State != "passed" && one.State != "skipped" {
				s.failed = append(s.failed, one)
			}
			continue
		case !focus.MatchString(name):
			continue
		}
		why := ""
		for _, skip := range skips {
			if skip.expr.MatchString(name) {
				why, about[skip.Match] = skip.Why, true
				break
			}
		}
		switch one.State {
		case "passed":
			s.passed = append(s.passed, one)
		case "skipped", "pending":
			if why == "" {
				s.problems = append(s.problems, fmt.Sprintf("not run, and not listed: %s: %s", name, one.Failure.Message))
				continue
			}
			s.skipped[why]++
		default:
			s.failed = append(s.failed, one)
		}
	}
	for _, skip := range skips {
		if whole && !about[skip.Match] {
			s.problems = append(s.problems, fmt.Sprintf("listed as not run, and there is none: %s", skip.Match))
		}
	}
	return s
}

// good tells whether all is as it should be; nothing at all is not.
func (s summary) good() bool { return len(s.passed) > 0 && len(s.failed) == 0 && len(s.problems) == 0 }

func (s summary) print(w io.Writer) {
	for _, one := range s.failed {
		message, _, _ := strings.Cut(one.Failure.Message, "\n")
		fmt.Fprintf(w, "FAIL  %s (%s)\n      %s\n", one.name(), one.RunTime.Round(time.Second), message)
	}
	for _, p := range s.problems {
		fmt.Fprintln(w, "?    ", p)
	}
	skipped := 0
	for _, why := range slices.Sorted(maps.Keys(s.skipped)) {
		fmt.Fprintf(w, "skipped %3d  %s\n", s.skipped[why], why)
		skipped += s.skipped[why]
	}
	fmt.Fprintf(w, "=== %d passed, %d failed, %d skipped\n", len(s.passed), len(s.failed), skipped)
}
