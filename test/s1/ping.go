package s1

import (
	"fmt"
	"regexp"
	"strconv"
	"time"
)

// Ping is what ping, the program or the probe's, reported of a run.
type Ping struct {
	Sent, Received int
	TTL            map[int]int // answers by time to live
	MaxRTT         time.Duration
}

var (
	pingSummary = regexp.MustCompile(`(\d+) packets transmitted, (\d+) received`)
	pingTTL     = regexp.MustCompile(`ttl=(\d+)`)
	pingRTT     = regexp.MustCompile(`= [\d.]+/[\d.]+/([\d.]+)/`)
)

// ParsePing reads the output of ping from iputils.
func ParsePing(out string) (Ping, error) {
	m := pingSummary.FindStringSubmatch(out)
	if m == nil {
		return Ping{}, fmt.Errorf("no summary in the output of ping: %q", out)
	}
	p := Ping{TTL: map[int]int{}}
	p.Sent, _ = strconv.Atoi(m[1])
	p.Received, _ = strconv.Atoi(m[2])
	for _, m := range pingTTL.FindAllStringSubmatch(out, -1) {
		ttl, _ := strconv.Atoi(m[1])
		p.TTL[ttl]++
	}
	if m := pingRTT.FindStringSubmatch(out); m != nil {
		ms, _ := strconv.ParseFloat(m[1], 64)
		p.MaxRTT = time.Duration(ms * float64(time.Millisecond))
	}
	return p, nil
}

// Lost is the number of requests without an answer.
func (p Ping) Lost() int { return p.Sent - p.Received }

// OnlyTTL says whether every answer had this time to live.
func (p Ping) OnlyTTL(ttl int) bool { return p.Received > 0 && p.TTL[ttl] == p.Received }

func (p Ping) String() string {
	s := fmt.Sprintf("%d/%d answered", p.Received, p.Sent)
	for ttl := range p.TTL {
		s += fmt.Sprintf(" ttl=%d", ttl)
	}
	return s
}
