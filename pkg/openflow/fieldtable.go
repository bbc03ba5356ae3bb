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
	FieldActsetOutput:   {name: "actset_output", bytes: 4, bits: 32, oxm: basic(43), nxmName: "OXM_OF_ACTSET_OUTPUT", format: formatPort},
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
