package failover

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"golang.org/x/sync/errgroup"
)

// Load is how dense the traffic of one stream is.
type Load struct {
	Interval time.Duration // between two packets of the UDP flow: what is measured is no finer
	Line     time.Duration // between two lines of a TCP connection
	TCP      int           // connections
	Rate     int           // new connections a second
}

// dense is what figures are made with: 48 new connections a second over all streams.
var dense = Load{5 * time.Millisecond, 20 * time.Millisecond, 3, 12}

// gap is a time in which nothing came through, in milliseconds since 1970; see test/probe.
type gap struct {
	At, Millis int64
	Lost       int
}

// report is what probe stream prints.
type report struct {
	name string
	UDP  struct {
		Port       uint16
		Sent, Lost int
		Holes      []gap
	}
	TCP  []gap
	TCPs struct {
		Echoes, Broken, Resets int
		Error                  string
	}
	New struct {
		Tried, OK, Resets int
		Failed            []int64
		Errors            map[string]int
		SlowestMillis     int64
	}
}

// serverPort is where the Pods of pods.yaml answer.
const serverPort = 8080

// Stream is the traffic from a Pod of a Node to one of another, and back.
type Stream struct{ From, To string }

// Streams go both ways, between Pods on gateways and on ordinary Nodes.
var Streams = []Stream{
	{"cl1-master", "cl2-master"}, {"cl1-node3", "cl2-node2"}, {"cl2-master", "cl1-node3"}, {"cl2-node2", "cl1-master"},
}

// traffic runs a stream for each of the pairs for some time.
func (s *Scene) traffic(ctx context.Context, length time.Duration, ends []pair) ([]report, error) {
	reports := make([][]report, len(ends))
	var group errgroup.Group
	for i, end := range ends {
		group.Go(func() error {
			out, err := s.Pod(ctx, end.from, "probe", "stream", "-interval", s.Load.Interval.String(), "-line-interval", s.Load.Line.String(),
				"-connections", fmt.Sprint(s.Load.TCP), "-rate", fmt.Sprint(s.Load.Rate), "-for", length.String(), fmt.Sprintf("%s:%d", end.to.IP, serverPort))
			if err == nil {
				err = json.Unmarshal([]byte(out), &reports[i])
			}
			if err == nil && len(reports[i]) != 1 {
				err = fmt.Errorf("%d reports: %s", len(reports[i]), out)
			}
			if err != nil {
				return fmt.Errorf("traffic %s: %w", end, err)
			}
			reports[i][0].name = end.String()
			return nil
		})
	}
	err := group.Wait()
	return slices.Concat(reports...), err
}

// Phase is a part of a run: what of the traffic was lost in it.
type Phase struct {
	Name       string
	LostMillis int64 // the UDP flow that lost most: packets times their interval
	HoleMillis int64 // the longest hole of any UDP flow
	StallTCP   int64 // the longest stall of an echoing connection, in milliseconds
	NewFailed  int
	NewTried   int // of the whole run
	Broken     int // connections that did not last, over the whole run
	Resets     int // of those and of new ones
}

// Hole is a time in which nothing of a UDP flow came through.
type Hole struct {
	Stream       string
	At           int64 // milliseconds since the fault
	Millis, Lost int64
}

func holes(all []report, fault time.Time) (list []Hole) {
	for _, r := range all {
		for _, h := range r.UDP.Holes {
			list = append(list, Hole{r.name, h.At - fault.UnixMilli(), h.Millis, int64(h.Lost)})
		}
	}
	return list
}

// beyond is how many milliseconds after a time the last of the holes ended that it is in.
func beyond(all []report, at time.Time) (longest int64) {
	for _, r := range all {
		for _, h := range r.UDP.Holes {
			if h.At <= at.UnixMilli() {
				longest = max(longest, h.At+h.Millis-at.UnixMilli())
			}
		}
	}
	return longest
}

// phases splits what was lost at the times at which phases begin. Broken connections have no time: they count in the first.
func phases(all []report, interval time.Duration, names []string, starts []time.Time) ([]Phase, error) {
	out := make([]Phase, len(names))
	at := func(millis int64) int {
		i := len(starts) - 1
		for i > 0 && millis < starts[i].UnixMilli() {
			i--
		}
		return i
	}
	var errs []error
	for i := range names {
		out[i].Name = names[i]
	}
	for _, r := range all {
		lost := make([]int64, len(names))
		for _, h := range r.UDP.Holes {
			p := at(h.At)
			lost[p] += int64(h.Lost) * interval.Milliseconds()
			out[p].HoleMillis = max(out[p].HoleMillis, h.Millis)
		}
		for p := range names {
			out[p].LostMillis = max(out[p].LostMillis, lost[p])
		}
		if r.UDP.Sent == 0 {
			errs = append(errs, fmt.Errorf("no UDP packets of %s", r.name))
		}
		for _, g := range r.TCP {
			p := at(g.At)
			out[p].StallTCP = max(out[p].StallTCP, g.Millis)
		}
		for _, t := range r.New.Failed {
			out[at(t)].NewFailed++
		}
		for p := range names {
			out[p].NewTried += r.New.Tried
		}
		out[0].Broken += r.TCPs.Broken
		out[0].Resets += r.TCPs.Resets + r.New.Resets
		if r.TCPs.Echoes == 0 || r.New.OK == 0 {
			errs = append(errs, fmt.Errorf("nothing came through of %s: %s %v", r.name, r.TCPs.Error, r.New.Errors))
		}
	}
	return out, errors.Join(errs...)
}
