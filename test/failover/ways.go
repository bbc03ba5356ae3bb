package failover

import (
	"context"
	"encoding/json"
	"fmt"
	"net/netip"
	"regexp"
	"slices"
	"strings"
	"sync"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/antrea-mc/antrea-mc/test/s1"
)

// pair is two Pods that traffic can go between.
type pair struct{ from, to s1.Pod }

func (p pair) String() string { return fmt.Sprintf("from %s to %s", p.from, p.to) }

// way is a pair of Pods and the gateways, of those that are broken, that UDP packets between them go through in either direction.
// It depends on the Pods' addresses alone, so a way stays what it is.
type way struct {
	pair
	stream int
	port   uint16 // that the survey sent from
	over   []string
}

type ways []way

// choose takes one pair for each stream: that which crosses most of the gateways. It is an error if one of these is on no way.
func (all ways) choose(through []string) ([]pair, error) {
	chosen := make([]pair, len(Streams))
	missing := slices.Clone(through)
	for i := range Streams {
		best, most := -1, -1
		for k, w := range all {
			score := 0
			for _, g := range w.over {
				switch {
				case slices.Contains(missing, g):
					score += 3
				case slices.Contains(through, g):
					score += 2
				}
			}
			if w.stream == i && score > most {
				best, most = k, score
			}
		}
		if best < 0 {
			return nil, fmt.Errorf("no Pods from %s to %s", Streams[i].From, Streams[i].To)
		}
		chosen[i] = all[best].pair
		missing = slices.DeleteFunc(missing, func(g string) bool { return slices.Contains(all[best].over, g) })
	}
	if len(missing) > 0 {
		return nil, fmt.Errorf("no traffic goes through %v: bring up another lab, whose Pods have other addresses", missing)
	}
	return chosen, nil
}

// beside takes a pair for each stream whose packets do not go through a gateway, as far as there is one.
func (all ways) beside(victim string) (chosen []pair, err error) {
	for i := range Streams {
		k := slices.IndexFunc(all, func(w way) bool { return w.stream == i && !slices.Contains(w.over, victim) })
		if k >= 0 {
			chosen = append(chosen, all[k].pair)
		}
	}
	if len(chosen) == 0 {
		return nil, fmt.Errorf("all traffic goes through %s", victim)
	}
	return chosen, nil
}

// of says which way a pair is.
func (all ways) of(p pair) string {
	k := slices.IndexFunc(all, func(w way) bool { return w.pair == p })
	return fmt.Sprintf("%s over %s", p, strings.Join(all[k].over, ", "))
}

// packet is an encapsulated UDP packet as tcpdump prints it.
var packet = regexp.MustCompile(`(\d+\.\d+\.\d+\.\d+\.\d+) > (\d+\.\d+\.\d+\.\d+\.\d+): UDP`)

// end is one end of a UDP packet as tcpdump prints it.
func end(a netip.Addr, port uint16) string { return fmt.Sprintf("%s.%d", a, port) }

// survey finds out which gateways the packets between all pairs of Pods go through, by listening on their links.
func (s *Scene) survey(ctx context.Context) error {
	var victims []string
	for _, c := range Clusters {
		victims = append(victims, Victims[c]...)
	}
	listen, stop := context.WithCancel(ctx)
	defer stop()
	heard := make([]string, len(victims))
	var listening sync.WaitGroup
	for i, v := range victims {
		listening.Go(func() { heard[i], _ = s.Tool(listen, "capture", v) }) // it is ended by a signal
	}
	time.Sleep(time.Second)
	var talking errgroup.Group
	s.ways = nil
	for i, stream := range Streams {
		for _, from := range s.pods[stream.From] {
			command := []string{"probe", "stream", "-interval", "50ms", "-line-interval", "1s", "-rate", "1", "-for", "2s"}
			first := len(s.ways)
			for _, to := range s.pods[stream.To] {
				command = append(command, fmt.Sprintf("%s:%d", to.IP, serverPort))
				s.ways = append(s.ways, way{pair: pair{from, to}, stream: i})
			}
			talking.Go(func() error {
				out, err := s.Pod(ctx, from, command...)
				if err != nil {
					return err
				}
				var reports []report
				if err := json.Unmarshal([]byte(out), &reports); err != nil || len(reports) != len(s.pods[stream.To]) {
					return fmt.Errorf("probe stream of %s printed %s: %w", from, out, err)
				}
				for k, r := range reports {
					s.ways[first+k].port = r.UDP.Port
				}
				return nil
			})
		}
	}
	err := talking.Wait()
	stop()
	listening.Wait()
	if err != nil {
		return err
	}
	for i, v := range victims {
		s.ways.pass(v, heard[i])
	}
	_, err = s.ways.choose(victims)
	return err
}

// pass notes which ways were seen at a gateway. A packet is told by the server's end and the client's port, because a gateway may
// have given it another source address.
func (all ways) pass(gateway, heard string) {
	for _, m := range packet.FindAllStringSubmatch(heard, -1) {
		for k := range all {
			w := &all[k]
			server, client := end(w.to.IP, serverPort), fmt.Sprintf(".%d", w.port)
			forth := m[2] == server && strings.HasSuffix(m[1], client)
			back := m[1] == server && strings.HasSuffix(m[2], client)
			if (forth || back) && !slices.Contains(w.over, gateway) {
				w.over = append(w.over, gateway)
			}
		}
	}
}
