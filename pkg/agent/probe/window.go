package probe

import "time"

const (
	// windowSize is how many echo requests are looked back at.
	windowSize = 20
	// echoTimeout is how long an echo may take. It is lost then.
	echoTimeout = time.Second
)

// window is the last echo requests to one address.
type window struct {
	seq      uint16
	requests []request // the oldest first
}

type request struct {
	seq   uint16
	token [8]byte
	sent  time.Time
	took  time.Duration // 0 as long as there is no answer
}

// next notes that a request is sent, and returns its number.
func (w *window) next(token [8]byte, now time.Time) uint16 {
	w.seq++
	w.requests = append(w.requests, request{seq: w.seq, token: token, sent: now})
	if len(w.requests) > windowSize {
		w.requests = w.requests[1:]
	}
	return w.seq
}

// answer notes a reply, if it is one to what was asked, and the first.
func (w *window) answer(seq uint16, token [8]byte, now time.Time) {
	for i := range w.requests {
		if r := &w.requests[i]; r.seq == seq && r.token == token && r.took == 0 {
			r.took = max(now.Sub(r.sent), 1)
		}
	}
}

// heard tells whether the last request has been answered.
func (w *window) heard() bool {
	return len(w.requests) > 0 && w.requests[len(w.requests)-1].took > 0
}

// roundTrip is what a window tells.
type roundTrip struct {
	average  time.Duration // of the echoes that came back in time
	last     time.Time     // when the last of them did; zero if none
	requests int           // that are answered, or never will be
	lost     int           // of these
}

func (w *window) roundTrip(now time.Time) (r roundTrip) {
	var sum time.Duration
	for _, q := range w.requests {
		switch {
		case q.took > 0 && q.took <= echoTimeout:
			r.requests++
			sum += q.took
			r.last = q.sent.Add(q.took)
		case now.Sub(q.sent) > echoTimeout:
			r.requests++
			r.lost++
		}
	}
	if answered := r.requests - r.lost; answered > 0 {
		r.average = sum / time.Duration(answered)
	}
	return r
}
