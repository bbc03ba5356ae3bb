package openflow

import (
	"fmt"
	"testing"
)

// benchFlow is a flow as policy has them by the thousand: 111 bytes on the wire.
func benchFlow(tb testing.TB) Flow {
	f, err := ParseFlow("cookie=0x1234,table=13,priority=200,tcp,nw_src=10.244.16.2,tp_dst=80,actions=conjunction(33,1/2)")
	if err != nil {
		tb.Fatal(err)
	}
	return f
}

func BenchmarkBuild(b *testing.B) {
	src := prefix("10.244.16.2/32")
	b.ReportAllocs()
	for b.Loop() {
		_ = Flow{
			Table:    13,
			Priority: 200,
			Match:    Match{}.IPSrc(src).TCPDst(80),
			Actions:  Actions{}.Conjunction(33, 1, 2),
		}
	}
}

func BenchmarkEncode(b *testing.B) {
	f := benchFlow(b)
	m := &FlowMod{Flow: f}
	buf := make([]byte, 0, 1024)
	b.ReportAllocs()
	for b.Loop() {
		if _, err := AppendMessage(buf, 1, m); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkDump(b *testing.B) {
	for _, n := range []int{1000, 60000} {
		b.Run(fmt.Sprintf("flows=%d", n), func(b *testing.B) {
			stats := FlowStats{Flow: benchFlow(b)}
			var body []byte
			for range n {
				body, _ = stats.AppendBinary(body)
			}
			b.SetBytes(int64(len(body)))
			b.ReportAllocs()
			for b.Loop() {
				for rest := body; len(rest) > 0; {
					_, after, err := DecodeFlowStats(rest)
					if err != nil {
						b.Fatal(err)
					}
					rest = after
				}
			}
		})
	}
}

func BenchmarkText(b *testing.B) {
	f := benchFlow(b)
	text := f.String()
	b.Run("format", func(b *testing.B) {
		b.ReportAllocs()
		var buf []byte
		for b.Loop() {
			buf, _ = f.AppendText(buf[:0])
		}
	})
	b.Run("parse", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := ParseFlow(text); err != nil {
				b.Fatal(err)
			}
		}
	})
}

// TestAllocations pins what the hot paths allocate: nothing to send a flow, one string to read one.
func TestAllocations(t *testing.T) {
	f := benchFlow(t)
	m := &FlowMod{Flow: f}
	buf := make([]byte, 0, 1024)
	if n := testing.AllocsPerRun(100, func() { buf, _ = AppendMessage(buf[:0], 1, m) }); n > 0 {
		t.Errorf("encoding a flow mod allocates %v times", n)
	}
	body, err := FlowStats{Flow: f}.AppendBinary(nil)
	if err != nil {
		t.Fatal(err)
	}
	if n := testing.AllocsPerRun(100, func() { _, _, _ = DecodeFlowStats(body) }); n > 1 {
		t.Errorf("decoding a flow allocates %v times", n)
	}
	if n := testing.AllocsPerRun(100, func() { _ = f.Key() }); n > 0 {
		t.Errorf("the key of a flow allocates %v times", n)
	}
}
