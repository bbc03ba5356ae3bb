package whereabouts

import (
	"fmt"
	"strings"
	"testing"
)

// describe is a configuration in one line: each range with its span, gateway and wish, then the other addresses.
func describe(c Config) string {
	var parts []string
	for _, claim := range c.Claims {
		r := claim.Range
		first, _ := r.Span.Lowest(r.Excluded)
		text := fmt.Sprintf("%s %s", PoolName(c.NetworkName, r.Subnet), r.Span)
		if first != r.Span.First {
			text += " first " + first.String()
		}
		if r.Gateway.IsValid() {
			text += " gw " + r.Gateway.String()
		}
		if claim.Want.IsValid() {
			text += " want " + claim.Want.String()
		}
		if claim.NodeSlicePool != "" {
			text += fmt.Sprintf(" parts /%d of %s", claim.PartBits, claim.NodeSlicePool)
		}
		parts = append(parts, text)
	}
	for _, a := range c.Static {
		parts = append(parts, strings.TrimSuffix("static "+a.Prefix.String()+" gw "+a.Gateway.String(), " gw invalid IP"))
	}
	for _, a := range c.Extra {
		parts = append(parts, strings.TrimSuffix("extra "+a.Prefix.String()+" gw "+a.Gateway.String(), " gw invalid IP"))
	}
	if !c.Overlapping {
		parts = append(parts, "alone")
	}
	return strings.Join(parts, "; ")
}

func TestParse(t *testing.T) {
	for _, tt := range []struct{ name, ipam, rest, file, args, want string }{
		{name: "a range", ipam: `"range":"10.10.0.0/16"`, want: "10.10.0.0-16 10.10.0.1-10.10.255.254"},
		{name: "host bits and leading zeros", ipam: `"range":"192.168.020.007/24"`, want: "192.168.20.0-24 192.168.20.1-192.168.20.254"},
		{name: "start and end", ipam: `"range":"192.168.20.0/24","range_start":"192.168.20.10","range_end":"192.168.20.100","gateway":"192.168.20.1"`,
			want: "192.168.20.0-24 192.168.20.10-192.168.20.100 gw 192.168.20.1"},
		{name: "from and to", ipam: `"range":"192.168.2.225-192.168.2.230/28"`, want: "192.168.2.224-28 192.168.2.225-192.168.2.230"},
		{name: "network and broadcast", ipam: `"range":"10.0.0.0/29","range_start":"10.0.0.0","range_end":"10.0.0.7"`, want: "10.0.0.0-29 10.0.0.1-10.0.0.6"},
		{name: "excluded", ipam: `"range":"10.0.0.0/24","exclude":["10.0.0.8/29","10.0.0.0/29","10.0.0.16"]`, want: "10.0.0.0-24 10.0.0.1-10.0.0.254 first 10.0.0.17"},
		{name: "most of an IPv6 range excluded", ipam: `"range":"fd00::/64","exclude":["fd00::/65"]`, want: "fd00---64 fd00::1-fd00::ffff:ffff:ffff:fffe first fd00::8000:0:0:0"},
		{name: "the gateway is not given", ipam: `"range":"10.0.0.0/24","gateway":"10.0.0.1"`, want: "10.0.0.0-24 10.0.0.1-10.0.0.254 first 10.0.0.2 gw 10.0.0.1"},
		{name: "two families, each with its gateway", ipam: `"range":"10.0.0.0/24","ipRanges":[{"range":"fd00::/48","range_start":"fd00:0:0:1::1"}],"gateway":"fd00::1"`,
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254; fd00---48 fd00:0:0:1::1-fd00::ffff:ffff:ffff:ffff:fffe gw fd00::1"},
		{name: "network_name", ipam: `"range":"10.0.0.0/24","network_name":"net-a","enable_overlapping_ranges":false`, want: "net-a-10.0.0.0-24 10.0.0.1-10.0.0.254; alone"},
		{name: "static", ipam: `"range":"10.0.0.0/24","addresses":[{"address":"10.9.0.4/16","gateway":"10.9.0.1"}]`,
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254; static 10.9.0.4/16 gw 10.9.0.1"},
		{name: "what others read", ipam: `"range":"10.0.0.0/24","log_file":"/l","log_level":"debug","leader_lease_duration":1500,"datastore":"kubernetes","etcd_host":"h","sleep_for_race":0,"kubernetes":{"kubeconfig":"/k"}`,
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254"},
		{name: "the file of the Node", ipam: `"gateway":""`, file: `{"range":"10.0.0.0/24","gateway":"10.0.0.254","enable_overlapping_ranges":false}`,
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254 gw 10.0.0.254"},
		{name: "the network before the file", ipam: `"range":"10.1.0.0/24"`, file: `{"type":"x","range":"10.0.0.0/24"}`, want: "10.1.0.0-24 10.1.0.1-10.1.0.254"},
		{name: "asked by capability", ipam: `"range":"10.0.0.0/24","range_start":"10.0.0.10"`, rest: `,"runtimeConfig":{"ips":["10.0.0.5/24"]}`,
			want: "10.0.0.0-24 10.0.0.10-10.0.0.254 want 10.0.0.5"},
		{name: "asked by args, and the same by CNI_ARGS", ipam: `"range":"10.0.0.0/24"`, rest: `,"args":{"cni":{"ips":["10.0.0.5"]}}`, args: "IgnoreUnknown=1;IP=10.0.0.5/24",
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254 want 10.0.0.5"},
		{name: "asked for both families", ipam: `"range":"10.0.0.0/24","ipRanges":[{"range":"fd00::/64"}]`, args: "IP=10.0.0.5,fd00::5;GATEWAY=10.0.0.1",
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254 gw 10.0.0.1 want 10.0.0.5; fd00---64 fd00::1-fd00::ffff:ffff:ffff:fffe want fd00::5"},
		{name: "a second address by CNI_ARGS", ipam: `"range":"10.0.0.0/24"`, args: "IP=10.9.0.5/16;GATEWAY=10.9.0.1",
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254; extra 10.9.0.5/16 gw 10.9.0.1"},

		{name: "no range", ipam: `"gateway":"10.0.0.1"`, want: "error: key ipam.range: missing"},
		{name: "start without range", ipam: `"range_start":"10.0.0.1"`, want: "error: key ipam.range: missing: write the CIDR of which range_start"},
		{name: "another type", ipam: `"type":"host-local"`, want: "error: only interested in networks whose IPAM type is 'whereabouts'. This one was: host-local"},
		{name: "no CIDR", ipam: `"range":"10.0.0.0"`, want: `error: key ipam.range: "10.0.0.0" is not a CIDR such as 192.168.20.0/24`},
		{name: "too small", ipam: `"range":"10.0.0.0/31"`, want: "error: key ipam.range: net mask is too short, must be 30 or less: 10.0.0.0/31"},
		{name: "start outside", ipam: `"range":"10.0.0.0/24","range_start":"10.0.1.1"`, want: "error: key ipam.range_start: 10.0.1.1 is not from 10.0.0.1 to 10.0.0.254"},
		{name: "end outside", ipam: `"range":"10.0.0.0/24","range_end":"10.0.1.1"`, want: "error: key ipam.range_end: 10.0.1.1 is not from"},
		{name: "end of the other family", ipam: `"range":"10.0.0.0/24","range_end":"fd00::1"`, want: "error: key ipam.range_end: fd00::1 is not from"},
		{name: "end before start", ipam: `"range":"10.0.0.0/24","range_start":"10.0.0.9","range_end":"10.0.0.8"`, want: "error: key ipam.range_end: 10.0.0.8 is before the range's first address, 10.0.0.9"},
		{name: "end that is no address", ipam: `"range":"10.0.0.0/24","range_end":"10.0.0"`, want: `error: key ipam.range_end: "10.0.0" is not an address`},
		{name: "last outside the network of the first", ipam: `"range":"10.0.0.1-10.0.1.9/24"`, want: "error: key ipam.range: 10.0.1.9 is not in 10.0.0.0/24, the network of 10.0.0.1"},
		{name: "two starts", ipam: `"range":"10.0.0.1-10.0.0.9/24","range_start":"10.0.0.2"`, want: "error: key ipam.range_start: is 10.0.0.2, but range says 10.0.0.1"},
		{name: "exclude that is no CIDR", ipam: `"range":"10.0.0.0/24","exclude":["10.0.0.1","10.0.0.0/33"]`, want: `error: key ipam.exclude[1]: "10.0.0.0/33" is not a CIDR`},
		{name: "all excluded", ipam: `"range":"10.0.0.0/24","exclude":["10.0.0.128/25","10.0.0.0/25"]`, want: "error: key ipam.exclude: leaves no address of 10.0.0.1-10.0.0.254"},
		{name: "the gateway is all there is", ipam: `"range":"10.0.0.0/24","range_end":"10.0.0.1","gateway":"10.0.0.1"`, want: "error: key ipam.gateway: 10.0.0.1 is the last address"},
		{name: "gateway that is no address", ipam: `"range":"10.0.0.0/24","gateway":"router"`, want: `error: key ipam.gateway: "router" is not an address`},
		{name: "in the second range", ipam: `"ipRanges":[{"range":"10.0.0.0/24"},{"range":"10.1.0.0/24","range_end":"10.0.0.1"}]`, want: "error: key ipam.ipRanges[1].range_end: 10.0.0.1 is not from"},
		{name: "ranges that overlap", ipam: `"range":"10.0.0.0/24","ipRanges":[{"range":"10.0.0.0/16"}]`, want: "error: key ipam.ipRanges[0].range: 10.0.0.1-10.0.255.254 overlaps 10.0.0.1-10.0.0.254"},
		{name: "network_name with capitals", ipam: `"range":"10.0.0.0/24","network_name":"Net_A"`, want: `error: key ipam.network_name: "Net_A"`},
		{name: "parts for Nodes", ipam: `"range":"10.0.0.0/24","ipRanges":[{"range":"fd00::/64"}],"node_slice_size":"26"`,
			want: "10.0.0.0-24 10.0.0.1-10.0.0.254 parts /26 of net; fd00---64 fd00::1-fd00::ffff:ffff:ffff:fffe parts /122 of net-fd00---64"},
		{name: "parts of a named network", ipam: `"range":"fd00::/64","node_slice_size":"/120","network_name":"blue"`,
			want: "blue-fd00---64 fd00::1-fd00::ffff:ffff:ffff:fffe parts /120 of blue"},
		{name: "parts larger than the range", ipam: `"range":"10.0.0.0/24","node_slice_size":"/22"`, want: "error: key ipam.node_slice_size: parts of 1024 addresses are larger than range 10.0.0.0/24"},
		{name: "parts larger than one of the ranges", ipam: `"range":"10.0.0.0/16","ipRanges":[{"range":"10.1.0.0/28"}],"node_slice_size":"/24"`, want: "error: key ipam.node_slice_size: parts of 256 addresses are larger than range 10.1.0.0/28"},
		{name: "parts larger than an object", ipam: `"range":"10.0.0.0/8","node_slice_size":"/16"`, want: "error: key ipam.node_slice_size: a part of /16 has more than 4096 addresses: write /20 or more"},
		{name: "parts of no size", ipam: `"range":"10.0.0.0/24","node_slice_size":"many"`, want: `error: key ipam.node_slice_size: "many" is not the length of a prefix`},
		{name: "static that is no CIDR", ipam: `"range":"10.0.0.0/24","addresses":[{"address":"10.9.0.4"}]`, want: `error: key ipam.addresses[0].address: "10.9.0.4" is not a CIDR`},
		{name: "asked for in no range", ipam: `"range":"10.0.0.0/24"`, rest: `,"runtimeConfig":{"ips":["10.0.1.5/24"]}`, want: "error: key runtimeConfig.ips[0]: 10.0.1.5 is in none of the ranges of the network"},
		{name: "asked for, excluded", ipam: `"range":"10.0.0.0/24","exclude":["10.0.0.5"]`, args: "IP=10.0.0.5", want: "error: CNI_ARGS IP: 10.0.0.5 is excluded from range 10.0.0.0/24"},
		{name: "asked for two of one range", ipam: `"range":"10.0.0.0/24"`, args: "IP=10.0.0.5,10.0.0.6", want: "error: CNI_ARGS IP: 10.0.0.5 and 10.0.0.6 are both of range 10.0.0.0/24"},
		{name: "asked for broadcast", ipam: `"range":"10.0.0.0/24"`, args: "IP=10.0.0.255", want: "error: CNI_ARGS IP: 10.0.0.255 is not from 10.0.0.1 to 10.0.0.254"},
		{name: "asked for nonsense", ipam: `"range":"10.0.0.0/24"`, args: "IP=x", want: `error: CNI_ARGS IP: "x" is not an address`},
		{name: "the file is not JSON", ipam: `"range":"10.0.0.0/24"`, file: `range: x`, want: "error: configuration file of the Node: "},
		{name: "wrong type of value", ipam: `"range":24`, want: "error: key ipam.range: is a number: write a string"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			if !strings.Contains(tt.ipam, `"type"`) {
				tt.ipam = `"type":"whereabouts",` + tt.ipam
			}
			c, err := Parse([]byte(`{"name":"net","ipam":{`+tt.ipam+`}`+tt.rest+`}`), []byte(tt.file), tt.args)
			if err != nil {
				if want, ok := strings.CutPrefix(tt.want, "error: "); !ok || !strings.HasPrefix(err.Error(), want) {
					t.Errorf("error: %v\nwant %s", err, tt.want)
				}
				return
			}
			if got := describe(c); got != tt.want {
				t.Errorf("got  %s\nwant %s", got, tt.want)
			}
		})
	}
}

func TestParseTellsAllThatIsWrong(t *testing.T) {
	_, err := Parse([]byte(`{"ipam":{"type":"whereabouts","range":"10.0.0.0/24","range_start":"x","range_end":"y","exclude":["z"],"network_name":"A","gateway":"g"}}`), nil, "")
	for _, key := range []string{"range_start", "range_end", "exclude[0]", "network_name", "gateway"} {
		if err == nil || !strings.Contains(err.Error(), "key ipam."+key) {
			t.Errorf("%v does not name %s", err, key)
		}
	}
	if _, err := Parse([]byte(`{"name":"net"}`), nil, ""); err == nil || err.Error() != "IPAM config missing 'ipam' key" {
		t.Error(err)
	}
	if _, err := Parse([]byte(`{"ipam":{"type":"whereabouts","range":"10.0.0.0/24"}}`), nil, "K8S_POD_NAME"); err == nil {
		t.Error("CNI_ARGS without a value")
	}
}

// FuzzParseRange reads any range: what it takes has its first and last address inside, in order, and one that is free.
func FuzzParseRange(f *testing.F) {
	f.Add("10.0.0.0/24", "10.0.0.4", "10.0.0.9", "10.0.0.4/31")
	f.Add("fd00::1-fd00::9/64", "", "", "fd00::5")
	f.Fuzz(func(t *testing.T, cidr, start, end, exclude string) {
		r, err := parseRange("", rangeSection{cidr, start, end, []string{exclude}})
		if err != nil {
			return
		}
		a, ok := r.Span.Lowest(r.Excluded)
		if !ok || !r.Subnet.Contains(r.Span.First) || !r.Subnet.Contains(r.Span.Last) || r.Span.Last.Less(r.Span.First) || r.Excluded.Contains(a) {
			t.Errorf("%+v", r)
		}
	})
}
