package fqdn

import (
	"errors"
	"net/netip"
	"slices"
	"time"

	"golang.org/x/net/dns/dnsmessage"

	"github.com/antrea-mc/antrea-mc/pkg/policy"
)

// An Answer is the addresses of the name that was asked for.
type Answer struct {
	Name      string // canonical
	Addresses []Address
}

// Address is one with the time for which it may be used.
type Address struct {
	netip.Addr
	TTL time.Duration
}

// A name may be an alias of an alias, but not for ever.
const maxAliases = 16

// ReadAnswer reads a DNS message. It returns what could be read of one that is cut off; a message that is no answer to one question,
// or says that there is nothing, has no addresses.
func ReadAnswer(message []byte) (Answer, error) {
	var p dnsmessage.Parser
	header, err := p.Start(message)
	if err != nil {
		return Answer{}, err
	}
	question, err := p.Question()
	if err != nil {
		return Answer{}, err
	}
	if _, err := p.Question(); !errors.Is(err, dnsmessage.ErrSectionDone) {
		return Answer{}, errors.Join(err, p.SkipAllQuestions())
	}
	a := Answer{Name: policy.CanonicalName(question.Name.String())}
	if !header.Response || header.RCode != dnsmessage.RCodeSuccess {
		return a, nil
	}
	found, err := readRecords(&p)
	a.Addresses = found.of(a.Name)
	return a, err
}

// records are those of an answer that lead to addresses, by the name that has them.
type records struct {
	aliases   map[string]alias
	addresses map[string][]Address
}

type alias struct {
	to  string
	ttl time.Duration
}

func readRecords(p *dnsmessage.Parser) (records, error) {
	r := records{make(map[string]alias), make(map[string][]Address)}
	for {
		h, err := p.AnswerHeader()
		if errors.Is(err, dnsmessage.ErrSectionDone) {
			return r, nil
		}
		if err != nil {
			return r, err
		}
		name, ttl := policy.CanonicalName(h.Name.String()), time.Duration(h.TTL)*time.Second
		switch {
		case h.Class != dnsmessage.ClassINET:
			err = p.SkipAnswer()
		case h.Type == dnsmessage.TypeA:
			var a dnsmessage.AResource
			if a, err = p.AResource(); err == nil {
				r.addresses[name] = append(r.addresses[name], Address{netip.AddrFrom4(a.A), ttl})
			}
		case h.Type == dnsmessage.TypeAAAA:
			var a dnsmessage.AAAAResource
			if a, err = p.AAAAResource(); err == nil {
				r.addresses[name] = append(r.addresses[name], Address{netip.AddrFrom16(a.AAAA), ttl})
			}
		case h.Type == dnsmessage.TypeCNAME:
			var c dnsmessage.CNAMEResource
			if c, err = p.CNAMEResource(); err == nil {
				r.aliases[name] = alias{policy.CanonicalName(c.CNAME.String()), ttl}
			}
		default:
			err = p.SkipAnswer()
		}
		if err != nil {
			return r, err
		}
	}
}

// of follows aliases from a name to addresses, which may be used as long as all on the way.
func (r records) of(name string) []Address {
	ttl := time.Duration(1<<63 - 1)
	for range maxAliases {
		if found := r.addresses[name]; len(found) > 0 {
			found = slices.Clone(found)
			for i := range found {
				found[i].TTL = min(found[i].TTL, ttl)
			}
			return found
		}
		next, ok := r.aliases[name]
		if !ok {
			return nil
		}
		name, ttl = next.to, min(ttl, next.ttl)
	}
	return nil
}
