package probe

// candidates is how many lengths are tried at once while a path MTU is looked for.
const candidates = 8

const (
	// silences is how often nobody may answer before what was asked counts as too long.
	silences = 3
	// retryTop is after how many rounds it is tried again whether the path has become as wide as the link.
	retryTop = 15
)

// path finds the largest packet, in bytes, that gets to a peer in one piece: by echo requests of several lengths that nobody may cut
// up, the answers to which may be. It needs no ICMP error from anybody.
type path struct {
	top    int // MTU of the link
	least  int // that every link of the family has
	fits   int // the longest that was answered, or least
	failed int // the shortest that counts as too long; top+1 if none does
	found  int // the MTU; 0 as long as it is not known
	silent int // rounds in a row in which nothing longer was answered
	rounds int // since it was found
	longer int // the longest answered in this round
}

// leastMTU of IPv4 and of IPv6.
const (
	leastIPv4 = 576
	leastIPv6 = 1280
)

func newPath(top, least int) path { return path{top: top, least: least, fits: least, failed: top + 1} }

// lengths are what to ask with now.
func (p *path) lengths() []int {
	switch {
	case p.top <= p.least:
		return nil
	case p.failed == p.top+1: // most paths are as wide as their link
		return []int{p.top}
	case p.failed-p.fits == 1 && p.rounds%retryTop == retryTop-1:
		return []int{p.fits, p.top}
	case p.failed-p.fits == 1:
		return []int{p.fits}
	}
	var list []int
	for i := range candidates {
		length := p.fits + max((p.failed-p.fits)*(i+1)/(candidates+1), 1)
		if n := len(list); length < p.failed && (n == 0 || length > list[n-1]) {
			list = append(list, length)
		}
	}
	return append(list, p.top) // an echo of it may have been lost, or the path is wide again
}

// answered notes that an echo of that length came back.
func (p *path) answered(length int) { p.longer = max(p.longer, length) }

// round ends a round of asking; heard tells whether a short echo was answered meanwhile. If not, nothing is learned of lengths.
func (p *path) round(heard bool) {
	asked, longer := p.lengths(), p.longer
	p.longer = 0
	if len(asked) == 0 || longer == 0 && !heard {
		return
	}
	p.rounds++
	settled := p.found != 0 && p.failed-p.fits == 1
	switch {
	case longer == p.top:
		p.fits, p.failed, p.silent = p.top, p.top+1, 0
	case longer > p.fits, longer == p.fits && settled:
		p.fits, p.silent = longer, 0
	default:
		if p.silent++; p.silent == silences {
			p.silent = 0
			p.tooLong(asked[0])
		}
	}
	switch {
	case p.fits == p.top, p.failed-p.fits == 1 && p.fits > p.least:
		if p.found != p.fits {
			p.found, p.rounds = p.fits, 0
		}
	case p.failed-p.fits == 1: // not even the least: it is something else that keeps long echoes back
		p.found = 0
	}
}

// tooLong notes that nobody answers a length.
func (p *path) tooLong(length int) {
	switch {
	case length > p.fits:
		p.failed = length
	case p.fits > p.least: // it was answered once: the path has become narrower
		p.fits, p.failed = p.least, length
	}
}
