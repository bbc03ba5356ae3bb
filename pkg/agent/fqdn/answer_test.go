package fqdn

import (
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"golang.org/x/net/dns/dnsmessage"
)

// record is one of an answer, as in "www.example.com. 60 A 192.0.2.1".
func record(text string) dnsmessage.Resource {
	var name, kind, value string
	var ttl uint32
	if _, err := fmt.Sscan(text, &name, &ttl, &kind, &value); err != nil {
		panic(err)
	}
	r := dnsmessage.Resource{Header: dnsmessage.ResourceHeader{Name: dnsmessage.MustNewName(name), Class: dnsmessage.ClassINET, TTL: ttl}}
	switch kind {
	case "A":
		r.Body = &dnsmessage.AResource{A: netip.MustParseAddr(value).As4()}
	case "AAAA":
		r.Body = &dnsmessage.AAAAResource{AAAA: netip.MustParseAddr(value).As16()}
	case "CNAME":
		r.Body = &dnsmessage.CNAMEResource{CNAME: dnsmessage.MustNewName(value)}
	case "TXT":
		r.Body = &dnsmessage.TXTResource{TXT: []string{value}}
	}
	return r
}

// message is an answer to a question for addresses of a name.
func message(t testing.TB, change func(*dnsmessage.Message), name string, records ...string) []byte {
	t.Helper()
	m := dnsmessage.Message{
		Header:    dnsmessage.Header{ID: 1, Response: true, RecursionAvailable: true},
		Questions: []dnsmessage.Question{{Name: dnsmessage.MustNewName(name), Type: dnsmessage.TypeA, Class: dnsmessage.ClassINET}},
	}
	for _, text := range records {
		m.Answers = append(m.Answers, record(text))
	}
	if change != nil {
		change(&m)
	}
	b, err := m.Pack()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func (a Answer) String() string {
	text := []string{a.Name}
	for _, x := range a.Addresses {
		text = append(text, fmt.Sprintf("%s/%s", x.Addr, x.TTL))
	}
	return strings.Join(text, " ")
}

func TestReadAnswer(t *testing.T) {
	for _, c := range []struct {
		what    string
		message []byte
		want    string
	}{
		{"addresses", message(t, nil, "www.example.com.", "www.example.com. 60 A 192.0.2.1", "www.example.com. 30 AAAA 2001:db8::1"),
			"www.example.com 192.0.2.1/1m0s 2001:db8::1/30s"},
		{"capitals", message(t, nil, "WWW.example.Com.", "www.EXAMPLE.com. 60 A 192.0.2.1"), "www.example.com 192.0.2.1/1m0s"},
		{"aliases, in any order, for the shortest time", message(t, nil, "a.example.com.",
			"c.cdn.net. 300 A 192.0.2.1", "b.cdn.net. 20 CNAME c.cdn.net.", "a.example.com. 60 CNAME b.cdn.net."), "a.example.com 192.0.2.1/20s"},
		{"records of another name", message(t, nil, "a.example.com.", "b.example.com. 60 A 192.0.2.1"), "a.example.com"},
		{"an alias of itself", message(t, nil, "a.example.com.", "a.example.com. 60 CNAME a.example.com."), "a.example.com"},
		{"other types", message(t, nil, "a.example.com.", "a.example.com. 60 TXT hello", "a.example.com. 60 A 192.0.2.1"), "a.example.com 192.0.2.1/1m0s"},
		{"another class", message(t, func(m *dnsmessage.Message) { m.Answers[0].Header.Class = dnsmessage.ClassCHAOS }, "a.example.com.",
			"a.example.com. 60 A 192.0.2.1"), "a.example.com"},
		{"no such name", message(t, func(m *dnsmessage.Message) { m.RCode = dnsmessage.RCodeNameError }, "a.example.com.",
			"a.example.com. 60 A 192.0.2.1"), "a.example.com"},
		{"a question", message(t, func(m *dnsmessage.Message) { m.Response = false }, "a.example.com.", "a.example.com. 60 A 192.0.2.1"), "a.example.com"},
		{"two questions", message(t, func(m *dnsmessage.Message) { m.Questions = append(m.Questions, m.Questions[0]) }, "a.example.com.",
			"a.example.com. 60 A 192.0.2.1"), ""},
		{"what comes before the cut", message(t, nil, "a.example.com.", "a.example.com. 60 A 192.0.2.1", "a.example.com. 60 A 192.0.2.2")[:61],
			"a.example.com 192.0.2.1/1m0s"},
		{"nothing", nil, ""},
	} {
		if got, _ := ReadAnswer(c.message); got.String() != c.want {
			t.Errorf("%s: got %s, want %s", c.what, got, c.want)
		}
	}
}

func FuzzReadAnswer(f *testing.F) {
	f.Add([]byte{})
	f.Add(message(f, nil, "www.example.com.", "www.example.com. 60 A 192.0.2.1", "www.example.com. 30 AAAA 2001:db8::1"))
	f.Add(message(f, nil, "a.example.com.", "a.example.com. 60 CNAME b.cdn.net.", "b.cdn.net. 60 CNAME a.example.com.", "b.cdn.net. 5 TXT x"))
	f.Fuzz(func(t *testing.T, b []byte) {
		a, _ := ReadAnswer(b)
		for _, x := range a.Addresses {
			if !x.IsValid() || x.TTL < 0 || x.TTL > 1<<32*time.Second {
				t.Errorf("%s", a)
			}
		}
		var m dnsmessage.Message
		if m.Unpack(b) != nil || len(m.Questions) != 1 {
			return
		}
		b, err := m.Pack()
		if err != nil {
			return
		}
		if a, err = ReadAnswer(b); err != nil {
			t.Errorf("a sound message cannot be read: %v", err)
		}
		for _, x := range a.Addresses {
			if !m.Response || !slices.ContainsFunc(m.Answers, func(r dnsmessage.Resource) bool { return addressOf(r) == x.Addr }) {
				t.Errorf("%s is not in %s", x, m.GoString())
			}
		}
	})
}

// addressOf is the address in a record.
func addressOf(r dnsmessage.Resource) netip.Addr {
	switch body := r.Body.(type) {
	case *dnsmessage.AResource:
		return netip.AddrFrom4(body.A)
	case *dnsmessage.AAAAResource:
		return netip.AddrFrom16(body.AAAA)
	}
	return netip.Addr{}
}
