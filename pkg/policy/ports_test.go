package policy

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
)

func TestAligned(t *testing.T) {
	tests := map[string]Ports{
		"80":                            {TCP, 80, 80},
		"53 54-55 56-59 60":             {TCP, 53, 60},
		"0-65535":                       {TCP, 0, 65535},
		"1 2-3 4-7 8":                   {TCP, 1, 8},
		"65533 65534-65535":             {TCP, 65533, 65535},
		"30000-30015 30016-30079 30080": {TCP, 30000, 30080},
	}
	for want, ports := range tests {
		var got []string
		for _, p := range ports.aligned() {
			got = append(got, strings.TrimPrefix(p.String(), "TCP "))
		}
		if text := strings.Replace(strings.Join(got, " "), "TCP", "0-65535", 1); text != want {
			t.Errorf("%s: got %s, want %s", ports, text, want)
		}
	}
}

func TestParsePort(t *testing.T) {
	for text, want := range map[string]string{"80": "TCP 80", "udp/53": "UDP 53", "SCTP:9": "SCTP 9", "tcp/http": "", "icmp/1": "", "0": "", "65536": ""} {
		got, err := ParsePort(text)
		if (err == nil) != (want != "") || err == nil && got.String() != want {
			t.Errorf("%q: got %s and %v, want %q", text, got, err, want)
		}
	}
}

func TestWithout(t *testing.T) {
	tests := []struct{ cidr, except, want string }{
		{"10.0.0.0/8", "", "[10.0.0.0/8]"},
		{"10.0.0.0/24", "10.0.0.128/25", "[10.0.0.0/25]"},
		{"10.0.0.0/30", "10.0.0.1/32", "[10.0.0.0/32 10.0.0.2/31]"},
		{"10.0.0.0/24", "10.0.0.0/16", "[]"},
		{"10.0.0.0/24", "10.0.1.0/24", "[10.0.0.0/24]"},
		{"fd00::/126", "fd00::3/128", "[fd00::/127 fd00::2/128]"},
	}
	for _, test := range tests {
		var except []netip.Prefix
		if test.except != "" {
			except = append(except, netip.MustParsePrefix(test.except))
		}
		if got := fmt.Sprint(without(netip.MustParsePrefix(test.cidr), except)); got != test.want {
			t.Errorf("%s without %s: got %s, want %s", test.cidr, test.except, got, test.want)
		}
	}
}
