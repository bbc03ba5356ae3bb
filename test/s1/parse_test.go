package s1

import (
	"net/netip"
	"testing"
	"time"

	"github.com/stretchr/testify/require"
)

func TestParsePing(t *testing.T) {
	for _, tc := range []struct {
		name, out  string
		want       Ping
		lost, only int
	}{
		{"all answered", "64 bytes from 10.244.18.3: icmp_seq=1 ttl=61 time=1.5 ms\n64 bytes from 10.244.18.3: icmp_seq=2 ttl=61 time=0.9 ms\n\n--- 10.244.18.3 ping statistics ---\n2 packets transmitted, 2 received, 0% packet loss, time 50ms\nrtt min/avg/max/mdev = 0.912/1.206/1.500/0.294 ms\n",
			Ping{2, 2, map[int]int{61: 2}, 1500 * time.Microsecond}, 0, 61},
		{"two ways", "64 bytes from 10.244.18.3: icmp_seq=1 ttl=61 time=1.5 ms\n64 bytes from 10.244.18.3: icmp_seq=2 ttl=60 time=0.9 ms\n3 packets transmitted, 2 received, 33% packet loss, time 50ms\n",
			Ping{3, 2, map[int]int{61: 1, 60: 1}, 0}, 1, 0},
		{"no answer", "1 packets transmitted, 0 received, 100% packet loss, time 0ms\n", Ping{1, 0, map[int]int{}, 0}, 1, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			got, err := ParsePing(tc.out)
			require.NoError(t, err)
			require.Equal(t, tc.want, got)
			require.Equal(t, tc.lost, got.Lost())
			require.Equal(t, tc.only != 0, got.OnlyTTL(61))
		})
	}
	_, err := ParsePing("ping: unknown host\n")
	require.Error(t, err)
}

func TestParseCapture(t *testing.T) {
	const out = `12:00:01.000000 02:00:00:00:01:02 > 02:00:00:00:01:01, ethertype IPv4 (0x0800), length 148: 192.168.150.102.5311 > 192.168.200.102.6081: Geneve, Flags [none], vni 0x0, proto TEB (0x6558), options []: 36:c4:92:4c:a3:9e > aa:bb:cc:dd:ee:f0, ethertype IPv4 (0x0800), length 98: 10.244.1.3 > 10.244.18.3: ICMP echo request, id 1, seq 1, length 64
12:00:01.000200 02:00:00:00:01:02 > 02:00:00:00:01:01, ethertype IPv4 (0x0800), length 148: 192.168.200.102.5311 > 192.168.150.102.6081: Geneve, Flags [none], vni 0x0, proto TEB (0x6558): 36:c4:92:4c:a3:9f > aa:bb:cc:dd:ee:f0, ethertype IPv4 (0x0800), length 98: 10.244.18.3 > 10.244.1.3: ICMP echo reply, id 1, seq 1, length 64
12:00:01.000300 ARP, Request who-has 192.168.150.1
`
	got, err := ParseCapture(out)
	require.NoError(t, err)
	require.Len(t, got, 2)
	require.Equal(t, Encapsulated{
		OuterSrc: netip.MustParseAddr("192.168.150.102"), OuterDst: netip.MustParseAddr("192.168.200.102"), VNI: "0x0", Protocol: "TEB",
		SrcMAC: "36:c4:92:4c:a3:9e", DstMAC: "aa:bb:cc:dd:ee:f0",
		Src: netip.MustParseAddr("10.244.1.3"), Dst: netip.MustParseAddr("10.244.18.3"), What: "ICMP echo request, id 1, seq 1, length 64",
	}, got[0])
	require.Len(t, Find(got, got[1].Src, got[1].Dst, "echo reply"), 1)
}

func TestExpectedTTL(t *testing.T) {
	pod := func(cluster, node string) Pod { return Pod{Cluster: cluster, Node: node} }
	for _, tc := range []struct {
		from, to Pod
		want     int
	}{
		{pod("cl1", "cl1-node1"), pod("cl2", "cl2-node2"), 61},
		{pod("cl1", "cl1-node1"), pod("cl3", "cl3-node1"), 62},
		{pod("cl1", "cl1-node2"), pod("cl2", "cl2-node2"), 60},
		{pod("cl1", "cl1-node2"), pod("cl3", "cl3-node1"), 61},
		{pod("cl1", "cl1-node2"), pod("cl1", "cl1-node1"), 62},
		{pod("cl1", "cl1-node2"), pod("cl1", "cl1-node2"), 64},
	} {
		require.Equal(t, tc.want, ExpectedTTL(tc.from, tc.to), "%s to %s", tc.from.Node, tc.to.Node)
	}
}

func TestUnderlayIP(t *testing.T) {
	require.Equal(t, netip.MustParseAddr("192.168.150.101"), UnderlayIP("cl1-master"))
	require.Equal(t, netip.MustParseAddr("192.168.200.103"), UnderlayIP("cl2-node2"))
}
