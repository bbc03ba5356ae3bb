package openflow

import (
	"bytes"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

// timesAndIDs are what two dumps of the same differ in.
var timesAndIDs = regexp.MustCompile(`(duration=|xid=|idle_age=)[^,)\n]*`)

// sortedLines is text without what differs from dump to dump, in an order of its own: ports come in that of a hash table.
func sortedLines(text string) string {
	list := strings.Split(timesAndIDs.ReplaceAllString(strings.TrimSpace(text), "$1"), "\n")
	for i, line := range list {
		list[i] = strings.TrimSpace(line)
	}
	slices.Sort(list)
	return strings.Join(list, "\n")
}

// TestRealNames has ovs-ofctl print ports and tables by their names, some of which need quotes, are numbers, or are given twice.
func TestRealNames(t *testing.T) {
	s := ovstest.Start(t, ovstest.Config{})
	s.AddBridge("br-int")
	for i, name := range []string{"p1", "pod-a", "a b", "LOCALX", "4", "6", "x_y"} {
		s.Vsctl("add-port", "br-int", name, "--", "set", "Interface", name, "type=dummy", fmt.Sprintf("ofport_request=%d", i+1))
	}
	for id, name := range map[int]string{3: "Classifier", 4: `"two words"`, 5: `"7"`, 6: "Twice", 8: "Twice", 9: `"a\"b\\\\c"`} {
		s.Vsctl("--", "--id=@t", "create", "Flow_Table", "name="+name, "--", "set", "Bridge", "br-int", fmt.Sprintf("flow_tables:%d=@t", id))
	}
	s.Ofctl("-O OpenFlow15 add-group", "br-int", "group_id=1,type=ff,bucket=watch_port:1,actions=output:2,bucket=watch_port:3,actions=LOCAL")
	flows := []string{
		"table=3,priority=1,in_port=1,actions=output:2,LOCAL,resubmit(,4),resubmit(3,4),resubmit(6,),resubmit(,6),goto_table:5",
		"table=4,priority=2,in_port=3,actions=output:5,output:6,learn(table=3,in_port=2),resubmit(2,4),bundle(eth_src,0,hrw,ofport,members:1,2,5)",
		"table=5,priority=3,in_port=LOCAL,actions=group:1,output(port=7,max_len=100),set_queue:3,output:2,pop_queue,NORMAL,IN_PORT,CONTROLLER",
		"table=9,priority=4,in_port=6,ip,actions=ct(table=8),sample(probability=1,sampling_port=2)",
	}
	for _, text := range flows {
		s.Ofctl("-O OpenFlow15 add-flow", "br-int", text)
	}
	c := dial(t, s)
	parts := func(kind string, m Message) (list []Part) {
		got, err := DecodeMultipart(c.ask(kind, m))
		if err != nil {
			t.Fatal(err)
		}
		for part, err := range got.Parts() {
			if err != nil {
				t.Fatal(err)
			}
			list = append(list, part)
		}
		return list
	}
	x := Syntax{OpenFlow15: true}
	x.NamePorts(partsAs[PortDesc](parts("OFPST_PORT_DESC reply", asked(MultipartPortDesc, PortQuery{PortAny}))))
	x.NameTables(partsAs[TableFeatures](parts("OFPST_TABLE_FEATURES reply", asked(MultipartTableFeatures))))
	if len(x.Ports) != 8 || len(x.Tables) != 4 {
		t.Errorf("names are %q and %q", x.Ports, x.Tables)
	}

	likeOfctl(t, c.received["OFPST_TABLE_FEATURES reply"])

	for command, m := range map[string]Message{
		"dump-ports-desc": asked(MultipartPortDesc, PortQuery{PortAny}), "dump-ports": asked(MultipartPort, PortQuery{PortAny}),
		"queue-stats": asked(MultipartQueue, QueueQuery{PortAny, QueueAll}), "dump-groups": asked(MultipartGroupDesc, GroupQuery{GroupEvery}),
		"dump-table-desc": asked(MultipartTableDesc), "dump-tables": asked(MultipartTable), "dump-flows": asked(MultipartFlowDesc, AllFlows),
	} {
		want := sortedLines(s.Ofctl("--names -O OpenFlow15 "+command, "br-int"))
		b, err := AppendMessage(nil, 1, m)
		if err != nil {
			t.Fatal(err)
		}
		h, _ := DecodeHeader(b)
		k, _ := kindAt(h, b[HeaderLen:])
		text, err := x.AppendMessage(nil, c.ask(strings.TrimSuffix(k.Name, "request")+"reply", m))
		if err != nil {
			t.Fatal(err)
		}
		if command == "dump-flows" { // ovs-ofctl leaves the line with the kind out
			_, text, _ = bytes.Cut(text, []byte("\n"))
		}
		if got := sortedLines(string(text)); got != want {
			t.Errorf("%s:\n%s\nwant\n%s", command, got, want)
		}
	}

	for _, text := range flows {
		f := mustFlow(text)
		if again, err := x.ParseFlow(string(x.AppendFlow(nil, f))); err != nil || again != f {
			t.Errorf("%s\nbecame %s: %v", x.AppendFlow(nil, f), again, err)
		}
	}
	x.OpenFlow15 = false
	theirs := s.Ofctl("--names -O OpenFlow10 dump-flows", "br-int")
	for _, part := range parts("OFPST_FLOW reply", asked(MultipartFlowDesc, AllFlows)) {
		text := string(x.AppendFlow(nil, part.(FlowStats).Flow))
		_, text, _ = strings.Cut(text, "priority=")
		if strings.Contains(text, "goto_table") {
			text = strings.ReplaceAll(text, `goto_table:"7"`, `resubmit(,"7")`) // which 1.0 has in its place
		}
		if !strings.Contains(theirs, "priority="+text+"\n") {
			t.Errorf("%s is not among\n%s", text, theirs)
		}
	}
}

func partsAs[T Part](list []Part) func(func(T) bool) {
	return func(yield func(T) bool) {
		for _, part := range list {
			if p, ok := part.(T); ok && !yield(p) {
				return
			}
		}
	}
}
