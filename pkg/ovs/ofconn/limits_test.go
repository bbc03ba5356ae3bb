package ofconn

import (
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// used is what something took: time on the clock, and time of the processor in the client alone.
type used struct{ wall, cpu time.Duration }

// best keeps the quickest of several runs, clock and processor apart: whatever else the machine did is in neither.
func (u *used) best(v used) {
	if u.wall == 0 || v.wall < u.wall {
		u.wall = v.wall
	}
	if u.cpu == 0 || v.cpu < u.cpu {
		u.cpu = v.cpu
	}
}

// own measures what this process does.
func own(f func()) used {
	runtime.GC()
	before, start := ownCPU(), time.Now()
	f()
	return used{time.Since(start), ownCPU() - before}
}

func ownCPU() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u)
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// ofctl measures a run of ovs-ofctl, from its start to its end.
func ofctl(b *testing.B, args ...string) used {
	b.Helper()
	cmd := exec.Command("ovs-ofctl", args...)
	cmd.Stdout = io.Discard
	var stderr strings.Builder
	cmd.Stderr = &stderr
	start := time.Now()
	if err := cmd.Run(); err != nil {
		b.Fatalf("ovs-ofctl %s: %v: %s", args, err, stderr.String())
	}
	return used{time.Since(start), cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()}
}

// limits are the ways over which the same is done to one bridge.
type limits struct {
	b    *testing.B
	sw   *ovstest.Switch
	addr string
	conn *Conn
	raw  *rawConn
}

// BenchmarkRealLimits prints a table of what the library and the connection take beside the switch's own limit and beside
// ovs-ofctl, all of it in one run, one after the other in turns.
func BenchmarkRealLimits(b *testing.B) {
	s := ovstest.Start(b, ovstest.Config{})
	s.AddBridge("br-int")
	l := &limits{b: b, sw: s, addr: s.OpenFlow("br-int")}
	var err error
	if l.conn, err = Dial(b.Context(), l.addr, Config{}); err != nil {
		b.Fatal(err)
	}
	defer l.conn.Close()
	l.raw = dialRaw(b, l.addr)
	for b.Loop() {
		l.codec()
		l.loadsAndDumps()
		l.latencies()
	}
}

// codec times messages alone.
func (l *limits) codec() {
	fmt.Printf("\n| encode and decode | ns of CPU | allocations | aim |\n|---|--:|--:|--:|\n")
	flow := realisticFlows(l.b, 31)[8]
	buf := make([]byte, 0, 1024)
	mod := encoded(l.b, &flow)
	stats := openflow.FlowStats{Flow: flow.Flow}
	entry, err := stats.AppendBinary(nil)
	if err != nil {
		l.b.Fatal(err)
	}
	for _, row := range []struct {
		name, aim string
		run       func() error
	}{
		{"flow mod to bytes, into a buffer used again", "0", func() error { _, err := openflow.AppendMessage(buf, 1, &flow); return err }},
		{"flow mod from bytes", "", func() error { _, _, err := openflow.Decode(mod); return err }},
		{"entry of a dump to bytes, into a buffer used again", "0", func() error { _, err := stats.AppendBinary(buf); return err }},
		{"entry of a dump from bytes", "1", func() error { _, _, err := openflow.DecodeFlowStats(entry); return err }},
		{"flow to text", "", func() error { buf, err := flow.Flow.AppendText(buf); _ = buf; return err }},
	} {
		const runs, each = 20, 10000
		var best used
		for range runs {
			best.best(own(func() {
				for range each {
					if err := row.run(); err != nil { // not do: its Helper looks at the stack, which takes as long as to decode a flow
						l.b.Fatal(err)
					}
				}
			}))
		}
		allocations := testing.AllocsPerRun(1000, func() { l.do(row.run()) })
		fmt.Printf("| %s | %d | %.0f | %s |\n", row.name, best.cpu.Nanoseconds()/each, allocations, row.aim)
	}
}

func (l *limits) loadsAndDumps() {
	const header = "| flows | ours | raw bytes | ovs-ofctl | ours to raw | ours to ovs-ofctl | CPU of ours | of ovs-ofctl | ratio |\n" +
		"|--:|--:|--:|--:|--:|--:|--:|--:|--:|\n"
	var loads, dumps strings.Builder
	for _, size := range []struct{ flows, rounds int }{{15000, 9}, {60000, 7}, {200000, 5}} {
		load, dump := l.loadAndDump(size.flows, size.rounds)
		loads.WriteString(row(size.flows, load))
		dumps.WriteString(row(size.flows, dump))
	}
	fmt.Printf("\nOne bundle, from nothing to committed (ms; aim: to raw 1.1, to ovs-ofctl below 1):\n\n%s%s", header, loads.String())
	fmt.Printf("\nDump, every flow decoded (ms; aim: to raw 1.2, CPU to ovs-ofctl below 0.5):\n\n%s%s", header, dumps.String())
}

// three are ours, the raw limit and ovs-ofctl.
type three [3]used

func row(n int, t three) string {
	ms := func(d time.Duration) float64 { return float64(d) / float64(time.Millisecond) }
	ratio := func(a, b time.Duration) float64 { return float64(a) / float64(b) }
	return fmt.Sprintf("| %d | %.1f | %.1f | %.1f | %.2f | %.2f | %.1f | %.1f | %.2f |\n", n, ms(t[0].wall), ms(t[1].wall), ms(t[2].wall),
		ratio(t[0].wall, t[1].wall), ratio(t[0].wall, t[2].wall), ms(t[0].cpu), ms(t[2].cpu), ratio(t[0].cpu, t[2].cpu))
}

// turns has each of three run once a round, and another be the first in each.
func turns(rounds int, before func(), run [3]func() used) (result three) {
	for round := range rounds {
		for i := range 3 {
			before()
			i = (i + round) % 3
			result[i].best(run[i]())
		}
	}
	return result
}

func (l *limits) loadAndDump(n, rounds int) (load, dump three) {
	flows := realisticFlows(l.b, n)
	bundle := encodedBundle(l.b, flows)
	file := filepath.Join(l.b.TempDir(), "flows")
	var text []byte
	for _, f := range flows {
		text, _ = f.Flow.AppendText(text)
		text = append(text, '\n')
	}
	if err := os.WriteFile(file, text, 0o600); err != nil {
		l.b.Fatal(err)
	}
	load = turns(rounds, l.clear, [3]func() used{
		func() used { return own(func() { l.do(l.conn.Bundle(l.b.Context(), asMods(flows))) }) },
		func() used {
			return own(func() {
				l.raw.write(l.b, bundle)
				l.raw.committed(l.b)
			})
		},
		func() used { return ofctl(l.b, "-O", "OpenFlow15", "--bundle", "add-flows", l.addr, file) },
	})
	body, err := openflow.AllFlows.AppendBinary(nil)
	l.do(err)
	query := encoded(l.b, openflow.Multipart{Type: openflow.MultipartFlowDesc, Body: body})
	dump = turns(rounds, func() {}, [3]func() used{
		func() used { return own(func() { l.dump(n) }) },
		func() used {
			return own(func() {
				l.raw.write(l.b, query)
				l.raw.until(l.b, openflow.TypeMultipartReply)
			})
		},
		func() used { return ofctl(l.b, "-O", "OpenFlow15", "--no-names", "dump-flows", l.addr) },
	})
	l.clear()
	return load, dump
}

func (l *limits) do(err error) {
	l.b.Helper()
	if err != nil {
		l.b.Fatal(err)
	}
}

func (l *limits) dump(want int) {
	n := 0
	for _, err := range l.conn.DumpFlows(l.b.Context(), openflow.AllFlows) {
		if err != nil {
			l.b.Fatal(err)
		}
		n++
	}
	if n != want {
		l.b.Fatalf("%d flows, want %d", n, want)
	}
}

// clear takes all flows out and waits until the switch rests: it frees what a flow held long after it has answered, and
// whoever came next would pay for that.
func (l *limits) clear() {
	l.do(l.conn.Send(l.b.Context(), openflow.FlowMod{Command: openflow.Delete, Flow: openflow.Flow{Table: openflow.TableAll}}))
	for before, now := time.Duration(-1), l.sw.CPU(); before != now; before, now = now, l.sw.CPU() {
		time.Sleep(200 * time.Millisecond)
	}
}

// latencies times one flow at a time, ours and raw in turns.
func (l *limits) latencies() {
	flow := realisticFlows(l.b, 31)[8:9]
	single := encoded(l.b, &flow[0], openflow.Empty(openflow.TypeBarrierRequest))
	bundle := encodedBundle(l.b, flow)
	echo := encoded(l.b, openflow.Echo{})
	fmt.Printf("\n| one flow at a time | p50 µs | p99 µs |\n|---|--:|--:|\n")
	const rounds, each = 40, 50
	kinds := []struct {
		name  string
		run   func()
		times []time.Duration
	}{
		{name: "echo, raw", run: func() { l.raw.write(l.b, echo); l.raw.until(l.b, openflow.TypeEchoReply) }},
		{name: "flow mod and barrier, raw", run: func() { l.raw.write(l.b, single); l.raw.until(l.b, openflow.TypeBarrierReply) }},
		{name: "flow mod and barrier, ours", run: func() { l.do(l.conn.Send(l.b.Context(), &flow[0])) }},
		{name: "bundle of one in one write, raw", run: func() { l.raw.write(l.b, bundle); l.raw.committed(l.b) }},
		{name: "bundle of one, committed once it is known to be good, ours", run: func() { l.do(l.conn.Bundle(l.b.Context(), asMods(flow))) }},
	}
	for range rounds {
		for i := range kinds {
			for range each {
				start := time.Now()
				kinds[i].run()
				kinds[i].times = append(kinds[i].times, time.Since(start))
			}
		}
	}
	for _, k := range kinds {
		slices.Sort(k.times)
		at := func(p int) float64 { return float64(k.times[len(k.times)*p/100]) / float64(time.Microsecond) }
		fmt.Printf("| %s | %.0f | %.0f |\n", k.name, at(50), at(99))
	}
}
