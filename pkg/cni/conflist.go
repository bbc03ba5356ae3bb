package cni

// Versions are the versions of the CNI specification that the plugin answers, oldest first.
var Versions = []string{"0.3.0", "0.3.1", "0.4.0", "1.0.0", "1.1.0"}

// ConflistName is the file in /etc/cni/net.d. It sorts before the files of most other networks, and the runtime takes the first.
const ConflistName = "10-antrea.conflist"

// DefaultConflist is the network configuration list that the agent installs where the operator gives none. Runtimes that know
// cniVersions take the highest version they speak; older ones, such as containerd 1.6, only read cniVersion.
const DefaultConflist = `{
  "cniVersion": "1.0.0",
  "cniVersions": ["0.3.1", "0.4.0", "1.0.0", "1.1.0"],
  "name": "antrea",
  "plugins": [
    {"type": "antrea", "ipam": {"type": "host-local"}},
    {"type": "portmap", "capabilities": {"portMappings": true}},
    {"type": "bandwidth", "capabilities": {"bandwidth": true}}
  ]
}
`
