package openflow

// Types of the messages of Open vSwitch, of experimenter [experimenterNicira].
const (
	nxtRoleRequest        = 10
	nxtRoleReply          = 11
	nxtSetFlowFormat      = 12
	nxtFlowMod            = 13
	nxtFlowRemoved        = 14
	nxtFlowModTableID     = 15
	nxtSetPacketInFormat  = 16
	nxtPacketIn           = 17
	nxtFlowAge            = 18
	nxtSetAsyncConfig     = 19
	nxtSetControllerID    = 20
	nxtFlowMonitorCancel  = 21
	nxtFlowMonitorPaused  = 22
	nxtFlowMonitorResumed = 23
	nxtTLVTableMod        = 24
	nxtTLVTableRequest    = 25
	nxtTLVTableReply      = 26
	nxtSetAsyncConfig2    = 27
	nxtResume             = 28
	nxtCTFlushZone        = 29
	nxtPacketIn2          = 30
	nxtCTFlush            = 32
)

// Types of its multipart messages.
const (
	nxstFlow        = 0
	nxstAggregate   = 1
	nxstFlowMonitor = 2
	nxstIPFIXBridge = 3
	nxstIPFIXFlow   = 4
)
