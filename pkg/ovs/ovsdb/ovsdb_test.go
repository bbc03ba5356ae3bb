package ovsdb

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/antrea-mc/antrea-mc/pkg/ovs/ovstest"
)

func connectTo(t *testing.T, sw *ovstest.Switch) *DB {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	db, err := Connect(ctx, strings.TrimPrefix(sw.DB, "unix:"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(db.Close)
	return db
}

func bridgeOf(sw *ovstest.Switch) Bridge {
	return Bridge{
		Name: "br-int", DatapathType: sw.Datapath, FailMode: "secure", Protocols: []string{"OpenFlow10", "OpenFlow15"},
		ExternalIDs: map[string]string{"made-by": "test"},
	}
}

var tunnel = Port{
	Name: "antrea-tun0", Type: "geneve", OFPortRequest: 1, ExternalIDs: map[string]string{"antrea-type": "tunnel"},
	Options: map[string]string{"key": "flow", "remote_ip": "flow", "csum": "true"},
}

func TestRealBridgeAndPorts(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	db := connectTo(t, sw)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()

	for range 2 { // the second time changes nothing
		if err := db.EnsureBridge(ctx, bridgeOf(sw)); err != nil {
			t.Fatal(err)
		}
		if err := db.EnsurePort(ctx, "br-int", tunnel); err != nil {
			t.Fatal(err)
		}
	}
	number, err := db.WaitOFPort(ctx, "antrea-tun0")
	if err != nil || number != 1 {
		t.Fatalf("antrea-tun0 is port %d, %v", number, err)
	}
	if got := sw.Vsctl("get", "Bridge", "br-int", "fail_mode", "protocols"); got != "secure\n[OpenFlow10, OpenFlow15]\n" {
		t.Errorf("bridge: %s", got)
	}
	if got := sw.Vsctl("get", "Interface", "antrea-tun0", "options"); got != "{csum=\"true\", key=flow, remote_ip=flow}\n" {
		t.Errorf("options: %s", got)
	}

	// What somebody changed by hand is put right, what he added is left.
	sw.Vsctl("set", "Bridge", "br-int", "fail_mode=standalone", "external_ids:foreign=x", "--",
		"set", "Interface", "antrea-tun0", "options:csum=false")
	if err := db.wait(ctx, func() (bool, error) {
		ids, err := db.BridgeExternalIDs(ctx, "br-int")
		return ids["foreign"] == "x", err
	}); err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(db.EnsureBridge(ctx, bridgeOf(sw)), db.EnsurePort(ctx, "br-int", tunnel)); err != nil {
		t.Fatal(err)
	}
	if got := sw.Vsctl("get", "Bridge", "br-int", "fail_mode", "external_ids:foreign"); got != "secure\nx\n" {
		t.Errorf("bridge: %s", got)
	}
	if got := sw.Vsctl("get", "Interface", "antrea-tun0", "options:csum"); got != "\"true\"\n" {
		t.Errorf("csum: %s", got)
	}

	ports, err := db.Ports(ctx, "br-int")
	if err != nil || len(ports) != 2 {
		t.Fatalf("ports: %v, %v", ports, err)
	}
	for range 2 {
		if err := db.DeletePort(ctx, "br-int", "antrea-tun0"); err != nil {
			t.Fatal(err)
		}
	}
	if err := db.Applied(ctx); err != nil {
		t.Fatal(err)
	}
	if got := sw.Ofctl("show", "br-int"); strings.Contains(got, "antrea-tun0") {
		t.Errorf("the switch has not done what it was waited for:\n%s", got)
	}
	if _, err := db.Port(ctx, "antrea-tun0"); !errors.Is(err, ErrNotFound) {
		t.Errorf("deleted port: %v", err)
	}
	for range 2 {
		if err := db.DeleteBridge(ctx, "br-int"); err != nil {
			t.Fatal(err)
		}
	}
	if got := sw.Vsctl("list-br"); got != "" {
		t.Errorf("bridges: %s", got)
	}
}

// A port that the switch cannot make says why at once, not after a deadline.
func TestRealPortThatCannotBe(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	db := connectTo(t, sw)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	bad := Port{Name: "bad0", Type: "nonsense"}
	if err := errors.Join(db.EnsureBridge(ctx, bridgeOf(sw)), db.EnsurePort(ctx, "br-int", bad)); err != nil {
		t.Fatal(err)
	}
	if _, err := db.WaitOFPort(ctx, "bad0"); err == nil || !strings.Contains(err.Error(), "could not open network device bad0") {
		t.Errorf("got %v", err)
	}
}

func TestRealFlowRestoreWait(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	sw.Run("ovs-vsctl", "--db="+sw.DB, "--no-wait", "set", "Open_vSwitch", ".", "other_config:flow-restore-wait=true")
	db := connectTo(t, sw)
	if waits, err := db.FlowRestoreWait(t.Context()); !waits || err != nil {
		t.Fatalf("waits: %t, %v", waits, err)
	}
	if err := db.EndFlowRestoreWait(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := sw.Vsctl("get", "Open_vSwitch", ".", "other_config"); strings.Contains(got, "flow-restore-wait") {
		t.Errorf("other_config: %s", got)
	}
}

// The copy survives a server that goes away and comes back.
func TestRealReconnect(t *testing.T) {
	sw := ovstest.Start(t, ovstest.Config{})
	db := connectTo(t, sw)
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	if err := db.EnsureBridge(ctx, bridgeOf(sw)); err != nil {
		t.Fatal(err)
	}
	sw.StopDatabase(true)
	sw.StartDatabase()
	if err := db.EnsurePort(ctx, "br-int", tunnel); err != nil {
		t.Fatal(err)
	}
	if number, err := db.WaitOFPort(ctx, "antrea-tun0"); err != nil || number != 1 {
		t.Errorf("antrea-tun0 is port %d, %v", number, err)
	}
}
