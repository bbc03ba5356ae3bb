package ovsdb

import (
	"github.com/ovn-kubernetes/libovsdb/client"
	"github.com/ovn-kubernetes/libovsdb/model"
)

// The rows of the database as the client library maps them. A column that is not here is neither monitored nor written:
// statistics alone would cost a message of 40 kB every 5 seconds with 200 ports.

type openvSwitchRow struct {
	UUID          string            `ovsdb:"_uuid"`
	Bridges       []string          `ovsdb:"bridges"`
	OtherConfig   map[string]string `ovsdb:"other_config"`
	DatapathTypes []string          `ovsdb:"datapath_types"`
	NextCfg       int               `ovsdb:"next_cfg"`
	CurCfg        int               `ovsdb:"cur_cfg"`
	OVSVersion    *string           `ovsdb:"ovs_version"`
}

type bridgeRow struct {
	UUID         string            `ovsdb:"_uuid"`
	Name         string            `ovsdb:"name"`
	Ports        []string          `ovsdb:"ports"`
	FailMode     *string           `ovsdb:"fail_mode"`
	Protocols    []string          `ovsdb:"protocols"`
	DatapathType string            `ovsdb:"datapath_type"`
	ExternalIDs  map[string]string `ovsdb:"external_ids"`
	OtherConfig  map[string]string `ovsdb:"other_config"`
}

type portRow struct {
	UUID        string            `ovsdb:"_uuid"`
	Name        string            `ovsdb:"name"`
	Interfaces  []string          `ovsdb:"interfaces"`
	ExternalIDs map[string]string `ovsdb:"external_ids"`
}

type interfaceRow struct {
	UUID          string            `ovsdb:"_uuid"`
	Name          string            `ovsdb:"name"`
	Type          string            `ovsdb:"type"`
	Options       map[string]string `ovsdb:"options"`
	MAC           *string           `ovsdb:"mac"`
	MTURequest    *int              `ovsdb:"mtu_request"`
	OFPortRequest *int              `ovsdb:"ofport_request"`
	OFPort        *int              `ovsdb:"ofport"`
	Error         *string           `ovsdb:"error"`
	BFD           map[string]string `ovsdb:"bfd"`
	BFDStatus     map[string]string `ovsdb:"bfd_status"`
}

func databaseModel() (model.ClientDBModel, error) {
	return model.NewClientDBModel("Open_vSwitch", map[string]model.Model{
		"Open_vSwitch": &openvSwitchRow{},
		"Bridge":       &bridgeRow{},
		"Port":         &portRow{},
		"Interface":    &interfaceRow{},
	})
}

// monitored names every column above: the library would monitor all columns of the tables otherwise, and then stumble over
// those that it cannot map.
func monitored() []client.MonitorOption {
	var (
		root   openvSwitchRow
		bridge bridgeRow
		port   portRow
		iface  interfaceRow
	)
	return []client.MonitorOption{
		client.WithTable(&root, &root.Bridges, &root.OtherConfig, &root.DatapathTypes, &root.NextCfg, &root.CurCfg, &root.OVSVersion),
		client.WithTable(&bridge, &bridge.Name, &bridge.Ports, &bridge.FailMode, &bridge.Protocols, &bridge.DatapathType,
			&bridge.ExternalIDs, &bridge.OtherConfig),
		client.WithTable(&port, &port.Name, &port.Interfaces, &port.ExternalIDs),
		client.WithTable(&iface, &iface.Name, &iface.Type, &iface.Options, &iface.MAC, &iface.MTURequest, &iface.OFPortRequest,
			&iface.OFPort, &iface.Error, &iface.BFD, &iface.BFDStatus),
	}
}
