package openflow

// The match fields, in the order in which ovs-vswitchd writes them.
const (
	_ FieldID = iota
	FieldPacketType
	FieldDPHash
	FieldRecircID
	FieldConjID
	FieldInPort
	FieldActsetOutput
	FieldEthSrc
	FieldEthDst
	FieldEthType
	FieldVLANVID
	FieldVLANPCP
	FieldMPLSTC
	FieldMPLSBOS
	FieldMPLSTTL
	FieldMPLSLabel
	FieldIPv4Src
	FieldIPv4Dst
	FieldIPv6Src
	FieldIPv6Dst
	FieldIPFrag
	FieldIPDSCP
	FieldIPECN
	FieldIPTTL
	FieldIPv6Label
	FieldIPProto
	FieldTCPSrc
	FieldTCPDst
	FieldTCPFlags
	FieldUDPSrc
	FieldUDPDst
	FieldSCTPSrc
	FieldSCTPDst
	FieldICMPv4Type
	FieldICMPv4Code
	FieldICMPv6Type
	FieldICMPv6Code
	FieldNDReserved
	FieldNDTarget
	FieldNDOptionsType
	FieldNDSLL
	FieldNDTLL
	FieldARPOp
	FieldARPSPA
	FieldARPTPA
	FieldARPSHA
	FieldARPTHA
	FieldTunID
	FieldTunFlags
	FieldTunIPv4Src
	FieldTunIPv4Dst
	FieldTunIPv6Src
	FieldTunIPv6Dst
	FieldTunGBPID
	FieldTunGBPFlags
	FieldTunMetadata0
	FieldTunMetadata1
	FieldTunMetadata2
	FieldTunMetadata3
	FieldTunMetadata4
	FieldTunMetadata5
	FieldTunMetadata6
	FieldTunMetadata7
	FieldTunMetadata8
	FieldTunMetadata9
	FieldTunMetadata10
	FieldTunMetadata11
	FieldTunMetadata12
	FieldTunMetadata13
	FieldTunMetadata14
	FieldTunMetadata15
	FieldTunMetadata16
	FieldTunMetadata17
	FieldTunMetadata18
	FieldTunMetadata19
	FieldTunMetadata20
	FieldTunMetadata21
	FieldTunMetadata22
	FieldTunMetadata23
	FieldTunMetadata24
	FieldTunMetadata25
	FieldTunMetadata26
	FieldTunMetadata27
	FieldTunMetadata28
	FieldTunMetadata29
	FieldTunMetadata30
	FieldTunMetadata31
	FieldTunMetadata32
	FieldTunMetadata33
	FieldTunMetadata34
	FieldTunMetadata35
	FieldTunMetadata36
	FieldTunMetadata37
	FieldTunMetadata38
	FieldTunMetadata39
	FieldTunMetadata40
	FieldTunMetadata41
	FieldTunMetadata42
	FieldTunMetadata43
	FieldTunMetadata44
	FieldTunMetadata45
	FieldTunMetadata46
	FieldTunMetadata47
	FieldTunMetadata48
	FieldTunMetadata49
	FieldTunMetadata50
	FieldTunMetadata51
	FieldTunMetadata52
	FieldTunMetadata53
	FieldTunMetadata54
	FieldTunMetadata55
	FieldTunMetadata56
	FieldTunMetadata57
	FieldTunMetadata58
	FieldTunMetadata59
	FieldTunMetadata60
	FieldTunMetadata61
	FieldTunMetadata62
	FieldTunMetadata63
	FieldTunERSPANIdx
	FieldTunERSPANVer
	FieldTunERSPANDir
	FieldTunERSPANHWID
	FieldTunGTPUFlags
	FieldTunGTPUMsgtype
	FieldNSHFlags
	FieldNSHTTL
	FieldNSHMdtype
	FieldNSHNP
	FieldNSHSPI
	FieldNSHSI
	FieldNSHC1
	FieldNSHC2
	FieldNSHC3
	FieldNSHC4
	FieldReg0
	FieldReg1
	FieldReg2
	FieldReg3
	FieldReg4
	FieldReg5
	FieldReg6
	FieldReg7
	FieldReg8
	FieldReg9
	FieldReg10
	FieldReg11
	FieldReg12
	FieldReg13
	FieldReg14
	FieldReg15
	FieldPktMark
	FieldCTState
	FieldCTZone
	FieldCTMark
	FieldCTLabel
	FieldCTNwSrc
	FieldCTIPv6Src
	FieldCTNwDst
	FieldCTIPv6Dst
	FieldCTNwProto
	FieldCTTpSrc
	FieldCTTpDst
	FieldMetadata

	// Fields of actions only: in a match they are written as the fields above.
	FieldInPort16
	FieldVLANTCI
	FieldIPTOS
	FieldXReg0
	FieldXReg1
	FieldXReg2
	FieldXReg3
	FieldXReg4
	FieldXReg5
	FieldXReg6
	FieldXReg7
	FieldXXReg0
	FieldXXReg1
	FieldXXReg2
	FieldXXReg3
)

// fields is the one table of match fields, indexed by id. ovs-fields(7) describes each of them.
var fields = [...]field{
	FieldPacketType:     {name: "packet_type", bytes: 4, bits: 32, oxm: basic(44), nxmName: "OXM_OF_PACKET_TYPE", format: formatPacketType},
	FieldDPHash:         {name: "dp_hash", bytes: 4, bits: 32, nxm: nxm1(35), nxmName: "NXM_NX_DP_HASH", mask: maskAny},
	FieldRecircID:       {name: "recirc_id", bytes: 4, bits: 32, nxm: nxm1(36), nxmName: "NXM_NX_RECIRC_ID"},
	FieldConjID:         {name: "conj_id", bytes: 4, bits: 32, nxm: nxm1(37), nxmName: "NXM_NX_CONJ_ID", format: formatDecimal},
	FieldInPort:         {name: "in_port", aliases: []string{"in_port_oxm"}, bytes: 4, bits: 32, oxm: basic(0), nxmName: "OXM_OF_IN_PORT", format: formatPort},
	FieldActsetOutput:   {name: "actset_output", aliases: []string{"OXM_OF_ACTSET_OUTPUT"}, bytes: 4, bits: 32, nxm: oxmID{class: classExperimenter, field: 43, experimenter: experimenterONF}, oxm: basic(43), nxmName: "ONFOXM_ET_ACTSET_OUTPUT", format: formatPort},
	FieldEthSrc:         {name: "eth_src", aliases: []string{"dl_src", "OXM_OF_ETH_SRC"}, bytes: 6, bits: 48, nxm: nxm0(2), oxm: basic(4), nxmName: "NXM_OF_ETH_SRC", format: formatMAC, mask: maskAny, access: readWrite},
	FieldEthDst:         {name: "eth_dst", aliases: []string{"dl_dst", "OXM_OF_ETH_DST"}, bytes: 6, bits: 48, nxm: nxm0(1), oxm: basic(3), nxmName: "NXM_OF_ETH_DST", format: formatMAC, mask: maskAny, access: readWrite},
	FieldEthType:        {name: "eth_type", aliases: []string{"dl_type", "OXM_OF_ETH_TYPE"}, bytes: 2, bits: 16, nxm: nxm0(3), oxm: basic(5), nxmName: "NXM_OF_ETH_TYPE"},
	FieldVLANVID:        {name: "vlan_vid", bytes: 2, bits: 12, oxm: basic(6), nxmName: "OXM_OF_VLAN_VID", format: formatDecimal, mask: maskAny, access: readWrite},
	FieldVLANPCP:        {name: "vlan_pcp", bytes: 1, bits: 3, oxm: basic(7), nxmName: "OXM_OF_VLAN_PCP", format: formatDecimal, prereq: needVLAN, access: readWrite},
	FieldMPLSTC:         {name: "mpls_tc", bytes: 1, bits: 3, oxm: basic(35), nxmName: "OXM_OF_MPLS_TC", format: formatDecimal, prereq: needMPLS, access: readWrite},
	FieldMPLSBOS:        {name: "mpls_bos", bytes: 1, bits: 1, oxm: basic(36), nxmName: "OXM_OF_MPLS_BOS", format: formatDecimal, prereq: needMPLS},
	FieldMPLSTTL:        {name: "mpls_ttl", bytes: 1, bits: 8, nxm: nxm1(30), nxmName: "NXM_NX_MPLS_TTL", format: formatDecimal, prereq: needMPLS, access: readWrite},
	FieldMPLSLabel:      {name: "mpls_label", bytes: 4, bits: 20, oxm: basic(34), nxmName: "OXM_OF_MPLS_LABEL", format: formatDecimal, prereq: needMPLS, access: readWrite},
	FieldIPv4Src:        {name: "ip_src", aliases: []string{"nw_src", "OXM_OF_IPV4_SRC"}, bytes: 4, bits: 32, nxm: nxm0(7), oxm: basic(11), nxmName: "NXM_OF_IP_SRC", format: formatIPv4, mask: maskAny, prereq: needIPv4, access: readWrite},
	FieldIPv4Dst:        {name: "ip_dst", aliases: []string{"nw_dst", "OXM_OF_IPV4_DST"}, bytes: 4, bits: 32, nxm: nxm0(8), oxm: basic(12), nxmName: "NXM_OF_IP_DST", format: formatIPv4, mask: maskAny, prereq: needIPv4, access: readWrite},
	FieldIPv6Src:        {name: "ipv6_src", aliases: []string{"OXM_OF_IPV6_SRC"}, bytes: 16, bits: 128, nxm: nxm1(19), oxm: basic(26), nxmName: "NXM_NX_IPV6_SRC", format: formatIPv6, mask: maskAny, prereq: needIPv6, access: readWrite},
	FieldIPv6Dst:        {name: "ipv6_dst", aliases: []string{"OXM_OF_IPV6_DST"}, bytes: 16, bits: 128, nxm: nxm1(20), oxm: basic(27), nxmName: "NXM_NX_IPV6_DST", format: formatIPv6, mask: maskAny, prereq: needIPv6, access: readWrite},
	FieldIPFrag:         {name: "ip_frag", aliases: []string{"nw_frag"}, bytes: 1, bits: 2, nxm: nxm1(26), nxmName: "NXM_NX_IP_FRAG", format: formatFrag, mask: maskAny, prereq: needIP},
	FieldIPDSCP:         {name: "ip_dscp", bytes: 1, bits: 6, oxm: basic(8), nxmName: "OXM_OF_IP_DSCP", format: formatDecimal, prereq: needIP, access: readWrite},
	FieldIPECN:          {name: "nw_ecn", aliases: []string{"ip_ecn", "OXM_OF_IP_ECN"}, bytes: 1, bits: 2, nxm: nxm1(28), oxm: basic(9), nxmName: "NXM_NX_IP_ECN", format: formatDecimal, prereq: needIP, access: readWrite},
	FieldIPTTL:          {name: "nw_ttl", bytes: 1, bits: 8, nxm: nxm1(29), nxmName: "NXM_NX_IP_TTL", format: formatDecimal, prereq: needIP, access: readWrite},
	FieldIPv6Label:      {name: "ipv6_label", aliases: []string{"OXM_OF_IPV6_FLABEL"}, bytes: 4, bits: 20, nxm: nxm1(27), oxm: basic(28), nxmName: "NXM_NX_IPV6_LABEL", mask: maskAny, prereq: needIPv6, access: readWrite},
	FieldIPProto:        {name: "nw_proto", aliases: []string{"ip_proto", "OXM_OF_IP_PROTO"}, bytes: 1, bits: 8, nxm: nxm0(6), oxm: basic(10), nxmName: "NXM_OF_IP_PROTO", format: formatDecimal, prereq: needIP},
	FieldTCPSrc:         {name: "tcp_src", aliases: []string{"OXM_OF_TCP_SRC"}, bytes: 2, bits: 16, nxm: nxm0(9), oxm: basic(13), nxmName: "NXM_OF_TCP_SRC", format: formatDecimal, mask: maskAny, prereq: needTCP, access: readWrite},
	FieldTCPDst:         {name: "tcp_dst", aliases: []string{"OXM_OF_TCP_DST"}, bytes: 2, bits: 16, nxm: nxm0(10), oxm: basic(14), nxmName: "NXM_OF_TCP_DST", format: formatDecimal, mask: maskAny, prereq: needTCP, access: readWrite},
	FieldTCPFlags:       {name: "tcp_flags", aliases: []string{"OXM_OF_TCP_FLAGS"}, bytes: 2, bits: 12, nxm: nxm1(34), oxm: basic(42), nxmName: "NXM_NX_TCP_FLAGS", format: formatTCPFlags, mask: maskAny, prereq: needTCP},
	FieldUDPSrc:         {name: "udp_src", aliases: []string{"OXM_OF_UDP_SRC"}, bytes: 2, bits: 16, nxm: nxm0(11), oxm: basic(15), nxmName: "NXM_OF_UDP_SRC", format: formatDecimal, mask: maskAny, prereq: needUDP, access: readWrite},
	FieldUDPDst:         {name: "udp_dst", aliases: []string{"OXM_OF_UDP_DST"}, bytes: 2, bits: 16, nxm: nxm0(12), oxm: basic(16), nxmName: "NXM_OF_UDP_DST", format: formatDecimal, mask: maskAny, prereq: needUDP, access: readWrite},
	FieldSCTPSrc:        {name: "sctp_src", bytes: 2, bits: 16, oxm: basic(17), nxmName: "OXM_OF_SCTP_SRC", format: formatDecimal, mask: maskAny, prereq: needSCTP, access: readWrite},
	FieldSCTPDst:        {name: "sctp_dst", bytes: 2, bits: 16, oxm: basic(18), nxmName: "OXM_OF_SCTP_DST", format: formatDecimal, mask: maskAny, prereq: needSCTP, access: readWrite},
	FieldICMPv4Type:     {name: "icmp_type", aliases: []string{"icmpv4_type", "OXM_OF_ICMPV4_TYPE"}, bytes: 1, bits: 8, nxm: nxm0(13), oxm: basic(19), nxmName: "NXM_OF_ICMP_TYPE", format: formatDecimal, prereq: needICMPv4, access: readWrite},
	FieldICMPv4Code:     {name: "icmp_code", aliases: []string{"icmpv4_code", "OXM_OF_ICMPV4_CODE"}, bytes: 1, bits: 8, nxm: nxm0(14), oxm: basic(20), nxmName: "NXM_OF_ICMP_CODE", format: formatDecimal, prereq: needICMPv4, access: readWrite},
	FieldICMPv6Type:     {name: "icmpv6_type", aliases: []string{"OXM_OF_ICMPV6_TYPE"}, bytes: 1, bits: 8, nxm: nxm1(21), oxm: basic(29), nxmName: "NXM_NX_ICMPV6_TYPE", format: formatDecimal, prereq: needICMPv6, access: readWrite},
	FieldICMPv6Code:     {name: "icmpv6_code", aliases: []string{"OXM_OF_ICMPV6_CODE"}, bytes: 1, bits: 8, nxm: nxm1(22), oxm: basic(30), nxmName: "NXM_NX_ICMPV6_CODE", format: formatDecimal, prereq: needICMPv6, access: readWrite},
	FieldNDReserved:     {name: "nd_reserved", bytes: 4, bits: 32, nxm: oxmID{class: classEricsson, field: 1}, nxmName: "ERICOXM_OF_ICMPV6_ND_RESERVED", format: formatDecimal, prereq: needND, access: readWrite},
	FieldNDTarget:       {name: "nd_target", aliases: []string{"OXM_OF_IPV6_ND_TARGET"}, bytes: 16, bits: 128, nxm: nxm1(23), oxm: basic(31), nxmName: "NXM_NX_ND_TARGET", format: formatIPv6, mask: maskAny, prereq: needND, access: readWrite},
	FieldNDOptionsType:  {name: "nd_options_type", bytes: 1, bits: 8, nxm: oxmID{class: classEricsson, field: 2}, nxmName: "ERICOXM_OF_ICMPV6_ND_OPTIONS_TYPE", format: formatDecimal, prereq: needND, access: readWrite},
	FieldNDSLL:          {name: "nd_sll", aliases: []string{"OXM_OF_IPV6_ND_SLL"}, bytes: 6, bits: 48, nxm: nxm1(24), oxm: basic(32), nxmName: "NXM_NX_ND_SLL", format: formatMAC, mask: maskAny, prereq: needNDSolicit, access: readWrite},
	FieldNDTLL:          {name: "nd_tll", aliases: []string{"OXM_OF_IPV6_ND_TLL"}, bytes: 6, bits: 48, nxm: nxm1(25), oxm: basic(33), nxmName: "NXM_NX_ND_TLL", format: formatMAC, mask: maskAny, prereq: needNDAdvert, access: readWrite},
	FieldARPOp:          {name: "arp_op", aliases: []string{"OXM_OF_ARP_OP"}, bytes: 2, bits: 16, nxm: nxm0(15), oxm: basic(21), nxmName: "NXM_OF_ARP_OP", format: formatDecimal, prereq: needARP, access: readWrite},
	FieldARPSPA:         {name: "arp_spa", aliases: []string{"OXM_OF_ARP_SPA"}, bytes: 4, bits: 32, nxm: nxm0(16), oxm: basic(22), nxmName: "NXM_OF_ARP_SPA", format: formatIPv4, mask: maskAny, prereq: needARP, access: readWrite},
	FieldARPTPA:         {name: "arp_tpa", aliases: []string{"OXM_OF_ARP_TPA"}, bytes: 4, bits: 32, nxm: nxm0(17), oxm: basic(23), nxmName: "NXM_OF_ARP_TPA", format: formatIPv4, mask: maskAny, prereq: needARP, access: readWrite},
	FieldARPSHA:         {name: "arp_sha", aliases: []string{"OXM_OF_ARP_SHA"}, bytes: 6, bits: 48, nxm: nxm1(17), oxm: basic(24), nxmName: "NXM_NX_ARP_SHA", format: formatMAC, mask: maskAny, prereq: needARP, access: readWrite},
	FieldARPTHA:         {name: "arp_tha", aliases: []string{"OXM_OF_ARP_THA"}, bytes: 6, bits: 48, nxm: nxm1(18), oxm: basic(25), nxmName: "NXM_NX_ARP_THA", format: formatMAC, mask: maskAny, prereq: needARP, access: readWrite},
	FieldTunID:          {name: "tun_id", aliases: []string{"tunnel_id", "OXM_OF_TUNNEL_ID"}, bytes: 8, bits: 64, nxm: nxm1(16), oxm: basic(38), nxmName: "NXM_NX_TUN_ID", mask: maskAny, access: readWrite},
	FieldTunFlags:       {name: "tun_flags", bytes: 2, bits: 1, nxm: nxm1(104), nxmName: "NXM_NX_TUN_FLAGS", format: formatTunFlags, mask: maskAny, access: readWrite},
	FieldTunIPv4Src:     {name: "tun_src", bytes: 4, bits: 32, nxm: nxm1(31), nxmName: "NXM_NX_TUN_IPV4_SRC", format: formatIPv4, mask: maskAny, access: readWrite},
	FieldTunIPv4Dst:     {name: "tun_dst", bytes: 4, bits: 32, nxm: nxm1(32), nxmName: "NXM_NX_TUN_IPV4_DST", format: formatIPv4, mask: maskAny, access: readWrite},
	FieldTunIPv6Src:     {name: "tun_ipv6_src", bytes: 16, bits: 128, nxm: nxm1(109), nxmName: "NXM_NX_TUN_IPV6_SRC", format: formatIPv6, mask: maskAny, access: readWrite},
	FieldTunIPv6Dst:     {name: "tun_ipv6_dst", bytes: 16, bits: 128, nxm: nxm1(110), nxmName: "NXM_NX_TUN_IPV6_DST", format: formatIPv6, mask: maskAny, access: readWrite},
	FieldTunGBPID:       {name: "tun_gbp_id", bytes: 2, bits: 16, nxm: nxm1(38), nxmName: "NXM_NX_TUN_GBP_ID", format: formatDecimal, mask: maskAny, access: readWrite},
	FieldTunGBPFlags:    {name: "tun_gbp_flags", bytes: 1, bits: 8, nxm: nxm1(39), nxmName: "NXM_NX_TUN_GBP_FLAGS", mask: maskAny, access: readWrite},
	FieldTunMetadata0:   {name: "tun_metadata0", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(40), nxmName: "NXM_NX_TUN_METADATA0", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata1:   {name: "tun_metadata1", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(41), nxmName: "NXM_NX_TUN_METADATA1", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata2:   {name: "tun_metadata2", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(42), nxmName: "NXM_NX_TUN_METADATA2", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata3:   {name: "tun_metadata3", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(43), nxmName: "NXM_NX_TUN_METADATA3", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata4:   {name: "tun_metadata4", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(44), nxmName: "NXM_NX_TUN_METADATA4", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata5:   {name: "tun_metadata5", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(45), nxmName: "NXM_NX_TUN_METADATA5", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata6:   {name: "tun_metadata6", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(46), nxmName: "NXM_NX_TUN_METADATA6", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata7:   {name: "tun_metadata7", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(47), nxmName: "NXM_NX_TUN_METADATA7", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata8:   {name: "tun_metadata8", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(48), nxmName: "NXM_NX_TUN_METADATA8", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata9:   {name: "tun_metadata9", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(49), nxmName: "NXM_NX_TUN_METADATA9", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata10:  {name: "tun_metadata10", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(50), nxmName: "NXM_NX_TUN_METADATA10", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata11:  {name: "tun_metadata11", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(51), nxmName: "NXM_NX_TUN_METADATA11", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata12:  {name: "tun_metadata12", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(52), nxmName: "NXM_NX_TUN_METADATA12", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata13:  {name: "tun_metadata13", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(53), nxmName: "NXM_NX_TUN_METADATA13", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata14:  {name: "tun_metadata14", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(54), nxmName: "NXM_NX_TUN_METADATA14", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata15:  {name: "tun_metadata15", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(55), nxmName: "NXM_NX_TUN_METADATA15", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata16:  {name: "tun_metadata16", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(56), nxmName: "NXM_NX_TUN_METADATA16", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata17:  {name: "tun_metadata17", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(57), nxmName: "NXM_NX_TUN_METADATA17", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata18:  {name: "tun_metadata18", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(58), nxmName: "NXM_NX_TUN_METADATA18", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata19:  {name: "tun_metadata19", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(59), nxmName: "NXM_NX_TUN_METADATA19", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata20:  {name: "tun_metadata20", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(60), nxmName: "NXM_NX_TUN_METADATA20", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata21:  {name: "tun_metadata21", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(61), nxmName: "NXM_NX_TUN_METADATA21", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata22:  {name: "tun_metadata22", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(62), nxmName: "NXM_NX_TUN_METADATA22", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata23:  {name: "tun_metadata23", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(63), nxmName: "NXM_NX_TUN_METADATA23", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata24:  {name: "tun_metadata24", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(64), nxmName: "NXM_NX_TUN_METADATA24", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata25:  {name: "tun_metadata25", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(65), nxmName: "NXM_NX_TUN_METADATA25", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata26:  {name: "tun_metadata26", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(66), nxmName: "NXM_NX_TUN_METADATA26", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata27:  {name: "tun_metadata27", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(67), nxmName: "NXM_NX_TUN_METADATA27", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata28:  {name: "tun_metadata28", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(68), nxmName: "NXM_NX_TUN_METADATA28", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata29:  {name: "tun_metadata29", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(69), nxmName: "NXM_NX_TUN_METADATA29", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata30:  {name: "tun_metadata30", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(70), nxmName: "NXM_NX_TUN_METADATA30", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata31:  {name: "tun_metadata31", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(71), nxmName: "NXM_NX_TUN_METADATA31", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata32:  {name: "tun_metadata32", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(72), nxmName: "NXM_NX_TUN_METADATA32", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata33:  {name: "tun_metadata33", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(73), nxmName: "NXM_NX_TUN_METADATA33", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata34:  {name: "tun_metadata34", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(74), nxmName: "NXM_NX_TUN_METADATA34", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata35:  {name: "tun_metadata35", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(75), nxmName: "NXM_NX_TUN_METADATA35", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata36:  {name: "tun_metadata36", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(76), nxmName: "NXM_NX_TUN_METADATA36", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata37:  {name: "tun_metadata37", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(77), nxmName: "NXM_NX_TUN_METADATA37", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata38:  {name: "tun_metadata38", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(78), nxmName: "NXM_NX_TUN_METADATA38", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata39:  {name: "tun_metadata39", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(79), nxmName: "NXM_NX_TUN_METADATA39", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata40:  {name: "tun_metadata40", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(80), nxmName: "NXM_NX_TUN_METADATA40", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata41:  {name: "tun_metadata41", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(81), nxmName: "NXM_NX_TUN_METADATA41", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata42:  {name: "tun_metadata42", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(82), nxmName: "NXM_NX_TUN_METADATA42", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata43:  {name: "tun_metadata43", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(83), nxmName: "NXM_NX_TUN_METADATA43", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata44:  {name: "tun_metadata44", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(84), nxmName: "NXM_NX_TUN_METADATA44", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata45:  {name: "tun_metadata45", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(85), nxmName: "NXM_NX_TUN_METADATA45", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata46:  {name: "tun_metadata46", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(86), nxmName: "NXM_NX_TUN_METADATA46", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata47:  {name: "tun_metadata47", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(87), nxmName: "NXM_NX_TUN_METADATA47", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata48:  {name: "tun_metadata48", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(88), nxmName: "NXM_NX_TUN_METADATA48", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata49:  {name: "tun_metadata49", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(89), nxmName: "NXM_NX_TUN_METADATA49", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata50:  {name: "tun_metadata50", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(90), nxmName: "NXM_NX_TUN_METADATA50", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata51:  {name: "tun_metadata51", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(91), nxmName: "NXM_NX_TUN_METADATA51", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata52:  {name: "tun_metadata52", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(92), nxmName: "NXM_NX_TUN_METADATA52", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata53:  {name: "tun_metadata53", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(93), nxmName: "NXM_NX_TUN_METADATA53", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata54:  {name: "tun_metadata54", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(94), nxmName: "NXM_NX_TUN_METADATA54", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata55:  {name: "tun_metadata55", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(95), nxmName: "NXM_NX_TUN_METADATA55", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata56:  {name: "tun_metadata56", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(96), nxmName: "NXM_NX_TUN_METADATA56", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata57:  {name: "tun_metadata57", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(97), nxmName: "NXM_NX_TUN_METADATA57", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata58:  {name: "tun_metadata58", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(98), nxmName: "NXM_NX_TUN_METADATA58", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata59:  {name: "tun_metadata59", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(99), nxmName: "NXM_NX_TUN_METADATA59", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata60:  {name: "tun_metadata60", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(100), nxmName: "NXM_NX_TUN_METADATA60", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata61:  {name: "tun_metadata61", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(101), nxmName: "NXM_NX_TUN_METADATA61", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata62:  {name: "tun_metadata62", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(102), nxmName: "NXM_NX_TUN_METADATA62", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunMetadata63:  {name: "tun_metadata63", bytes: maxTunMetadata, bits: 8 * maxTunMetadata, nxm: nxm1(103), nxmName: "NXM_NX_TUN_METADATA63", format: formatBytes, mask: maskAny, access: readWrite, variable: true},
	FieldTunERSPANIdx:   {name: "tun_erspan_idx", bytes: 4, bits: 20, nxm: nxET(11), nxmName: "NXOXM_ET_ERSPAN_IDX", mask: maskAny, access: readWrite},
	FieldTunERSPANVer:   {name: "tun_erspan_ver", bytes: 1, bits: 4, nxm: nxET(12), nxmName: "NXOXM_ET_ERSPAN_VER", format: formatDecimal, mask: maskAny, access: readWrite},
	FieldTunERSPANDir:   {name: "tun_erspan_dir", bytes: 1, bits: 1, nxm: nxET(13), nxmName: "NXOXM_ET_ERSPAN_DIR", format: formatDecimal, mask: maskAny, access: readWrite},
	FieldTunERSPANHWID:  {name: "tun_erspan_hwid", bytes: 1, bits: 6, nxm: nxET(14), nxmName: "NXOXM_ET_ERSPAN_HWID", mask: maskAny, access: readWrite},
	FieldTunGTPUFlags:   {name: "tun_gtpu_flags", bytes: 1, bits: 8, nxm: nxET(15), nxmName: "NXOXM_ET_GTPU_FLAGS", mask: maskAny},
	FieldTunGTPUMsgtype: {name: "tun_gtpu_msgtype", bytes: 1, bits: 8, nxm: nxET(16), nxmName: "NXOXM_ET_GTPU_MSGTYPE", format: formatDecimal, mask: maskAny},
	FieldNSHFlags:       {name: "nsh_flags", bytes: 1, bits: 8, nxm: nsh(1), nxmName: "NXOXM_NSH_FLAGS", format: formatDecimal, mask: maskAny, prereq: needNSH, access: readWrite},
	FieldNSHTTL:         {name: "nsh_ttl", bytes: 1, bits: 8, nxm: nsh(10), nxmName: "NXOXM_NSH_TTL", format: formatDecimal, prereq: needNSH, access: readWrite},
	FieldNSHMdtype:      {name: "nsh_mdtype", bytes: 1, bits: 8, nxm: nsh(2), nxmName: "NXOXM_NSH_MDTYPE", format: formatDecimal, prereq: needNSH},
	FieldNSHNP:          {name: "nsh_np", bytes: 1, bits: 8, nxm: nsh(3), nxmName: "NXOXM_NSH_NP", format: formatDecimal, prereq: needNSH},
	FieldNSHSPI:         {name: "nsh_spi", aliases: []string{"nsp"}, bytes: 4, bits: 24, nxm: nsh(4), nxmName: "NXOXM_NSH_SPI", prereq: needNSH, access: readWrite},
	FieldNSHSI:          {name: "nsh_si", aliases: []string{"nsi"}, bytes: 1, bits: 8, nxm: nsh(5), nxmName: "NXOXM_NSH_SI", format: formatDecimal, prereq: needNSH, access: readWrite},
	FieldNSHC1:          {name: "nsh_c1", aliases: []string{"nshc1"}, bytes: 4, bits: 32, nxm: nsh(6), nxmName: "NXOXM_NSH_C1", mask: maskAny, prereq: needNSH, access: readWrite},
	FieldNSHC2:          {name: "nsh_c2", aliases: []string{"nshc2"}, bytes: 4, bits: 32, nxm: nsh(7), nxmName: "NXOXM_NSH_C2", mask: maskAny, prereq: needNSH, access: readWrite},
	FieldNSHC3:          {name: "nsh_c3", aliases: []string{"nshc3"}, bytes: 4, bits: 32, nxm: nsh(8), nxmName: "NXOXM_NSH_C3", mask: maskAny, prereq: needNSH, access: readWrite},
	FieldNSHC4:          {name: "nsh_c4", aliases: []string{"nshc4"}, bytes: 4, bits: 32, nxm: nsh(9), nxmName: "NXOXM_NSH_C4", mask: maskAny, prereq: needNSH, access: readWrite},
	FieldReg0:           {name: "reg0", bytes: 4, bits: 32, nxm: nxm1(0), nxmName: "NXM_NX_REG0", mask: maskAny, access: readWrite},
	FieldReg1:           {name: "reg1", bytes: 4, bits: 32, nxm: nxm1(1), nxmName: "NXM_NX_REG1", mask: maskAny, access: readWrite},
	FieldReg2:           {name: "reg2", bytes: 4, bits: 32, nxm: nxm1(2), nxmName: "NXM_NX_REG2", mask: maskAny, access: readWrite},
	FieldReg3:           {name: "reg3", bytes: 4, bits: 32, nxm: nxm1(3), nxmName: "NXM_NX_REG3", mask: maskAny, access: readWrite},
	FieldReg4:           {name: "reg4", bytes: 4, bits: 32, nxm: nxm1(4), nxmName: "NXM_NX_REG4", mask: maskAny, access: readWrite},
	FieldReg5:           {name: "reg5", bytes: 4, bits: 32, nxm: nxm1(5), nxmName: "NXM_NX_REG5", mask: maskAny, access: readWrite},
	FieldReg6:           {name: "reg6", bytes: 4, bits: 32, nxm: nxm1(6), nxmName: "NXM_NX_REG6", mask: maskAny, access: readWrite},
	FieldReg7:           {name: "reg7", bytes: 4, bits: 32, nxm: nxm1(7), nxmName: "NXM_NX_REG7", mask: maskAny, access: readWrite},
	FieldReg8:           {name: "reg8", bytes: 4, bits: 32, nxm: nxm1(8), nxmName: "NXM_NX_REG8", mask: maskAny, access: readWrite},
	FieldReg9:           {name: "reg9", bytes: 4, bits: 32, nxm: nxm1(9), nxmName: "NXM_NX_REG9", mask: maskAny, access: readWrite},
	FieldReg10:          {name: "reg10", bytes: 4, bits: 32, nxm: nxm1(10), nxmName: "NXM_NX_REG10", mask: maskAny, access: readWrite},
	FieldReg11:          {name: "reg11", bytes: 4, bits: 32, nxm: nxm1(11), nxmName: "NXM_NX_REG11", mask: maskAny, access: readWrite},
	FieldReg12:          {name: "reg12", bytes: 4, bits: 32, nxm: nxm1(12), nxmName: "NXM_NX_REG12", mask: maskAny, access: readWrite},
	FieldReg13:          {name: "reg13", bytes: 4, bits: 32, nxm: nxm1(13), nxmName: "NXM_NX_REG13", mask: maskAny, access: readWrite},
	FieldReg14:          {name: "reg14", bytes: 4, bits: 32, nxm: nxm1(14), nxmName: "NXM_NX_REG14", mask: maskAny, access: readWrite},
	FieldReg15:          {name: "reg15", bytes: 4, bits: 32, nxm: nxm1(15), nxmName: "NXM_NX_REG15", mask: maskAny, access: readWrite},
	FieldPktMark:        {name: "pkt_mark", bytes: 4, bits: 32, nxm: nxm1(33), nxmName: "NXM_NX_PKT_MARK", mask: maskAny, access: readWrite},
	FieldCTState:        {name: "ct_state", bytes: 4, bits: 32, nxm: nxm1(105), nxmName: "NXM_NX_CT_STATE", format: formatCTState, mask: maskAny},
	FieldCTZone:         {name: "ct_zone", bytes: 2, bits: 16, nxm: nxm1(106), nxmName: "NXM_NX_CT_ZONE", format: formatDecimal},
	FieldCTMark:         {name: "ct_mark", bytes: 4, bits: 32, nxm: nxm1(107), nxmName: "NXM_NX_CT_MARK", mask: maskAny, access: readWrite},
	FieldCTLabel:        {name: "ct_label", bytes: 16, bits: 128, nxm: nxm1(108), nxmName: "NXM_NX_CT_LABEL", mask: maskAny, access: readWrite},
	FieldCTNwSrc:        {name: "ct_nw_src", bytes: 4, bits: 32, nxm: nxm1(120), nxmName: "NXM_NX_CT_NW_SRC", format: formatIPv4, mask: maskAny, prereq: needCT},
	FieldCTIPv6Src:      {name: "ct_ipv6_src", bytes: 16, bits: 128, nxm: nxm1(122), nxmName: "NXM_NX_CT_IPV6_SRC", format: formatIPv6, mask: maskAny, prereq: needCT},
	FieldCTNwDst:        {name: "ct_nw_dst", bytes: 4, bits: 32, nxm: nxm1(121), nxmName: "NXM_NX_CT_NW_DST", format: formatIPv4, mask: maskAny, prereq: needCT},
	FieldCTIPv6Dst:      {name: "ct_ipv6_dst", bytes: 16, bits: 128, nxm: nxm1(123), nxmName: "NXM_NX_CT_IPV6_DST", format: formatIPv6, mask: maskAny, prereq: needCT},
	FieldCTNwProto:      {name: "ct_nw_proto", bytes: 1, bits: 8, nxm: nxm1(119), nxmName: "NXM_NX_CT_NW_PROTO", format: formatDecimal, prereq: needCT},
	FieldCTTpSrc:        {name: "ct_tp_src", bytes: 2, bits: 16, nxm: nxm1(124), nxmName: "NXM_NX_CT_TP_SRC", format: formatDecimal, mask: maskAny, prereq: needCT},
	FieldCTTpDst:        {name: "ct_tp_dst", bytes: 2, bits: 16, nxm: nxm1(125), nxmName: "NXM_NX_CT_TP_DST", format: formatDecimal, mask: maskAny, prereq: needCT},
	FieldMetadata:       {name: "metadata", bytes: 8, bits: 64, oxm: basic(2), nxmName: "OXM_OF_METADATA", mask: maskAny, access: readWrite},
	FieldInPort16:       {name: "in_port", bytes: 2, bits: 16, nxm: nxm0(0), nxmName: "NXM_OF_IN_PORT", format: formatPort, access: readWrite},
	FieldVLANTCI:        {name: "vlan_tci", bytes: 2, bits: 16, nxm: nxm0(4), nxmName: "NXM_OF_VLAN_TCI", mask: maskAny, access: readWrite},
	FieldIPTOS:          {name: "nw_tos", aliases: []string{"ip_tos"}, bytes: 1, bits: 8, nxm: nxm0(5), nxmName: "NXM_OF_IP_TOS", format: formatDecimal, prereq: needIP, access: readWrite},
	FieldXReg0:          {name: "xreg0", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 0}, nxmName: "OXM_OF_PKT_REG0", mask: maskAny, access: readWrite},
	FieldXReg1:          {name: "xreg1", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 1}, nxmName: "OXM_OF_PKT_REG1", mask: maskAny, access: readWrite},
	FieldXReg2:          {name: "xreg2", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 2}, nxmName: "OXM_OF_PKT_REG2", mask: maskAny, access: readWrite},
	FieldXReg3:          {name: "xreg3", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 3}, nxmName: "OXM_OF_PKT_REG3", mask: maskAny, access: readWrite},
	FieldXReg4:          {name: "xreg4", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 4}, nxmName: "OXM_OF_PKT_REG4", mask: maskAny, access: readWrite},
	FieldXReg5:          {name: "xreg5", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 5}, nxmName: "OXM_OF_PKT_REG5", mask: maskAny, access: readWrite},
	FieldXReg6:          {name: "xreg6", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 6}, nxmName: "OXM_OF_PKT_REG6", mask: maskAny, access: readWrite},
	FieldXReg7:          {name: "xreg7", bytes: 8, bits: 64, oxm: oxmID{class: classPacketRegs, field: 7}, nxmName: "OXM_OF_PKT_REG7", mask: maskAny, access: readWrite},
	FieldXXReg0:         {name: "xxreg0", bytes: 16, bits: 128, nxm: nxm1(111), nxmName: "NXM_NX_XXREG0", mask: maskAny, access: readWrite},
	FieldXXReg1:         {name: "xxreg1", bytes: 16, bits: 128, nxm: nxm1(112), nxmName: "NXM_NX_XXREG1", mask: maskAny, access: readWrite},
	FieldXXReg2:         {name: "xxreg2", bytes: 16, bits: 128, nxm: nxm1(113), nxmName: "NXM_NX_XXREG2", mask: maskAny, access: readWrite},
	FieldXXReg3:         {name: "xxreg3", bytes: 16, bits: 128, nxm: nxm1(114), nxmName: "NXM_NX_XXREG3", mask: maskAny, access: readWrite},
}
