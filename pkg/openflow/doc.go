// Package openflow speaks OpenFlow 1.5 with the Nicira extensions of Open vSwitch: matches, actions, flows, groups and
// messages, on the wire and as the text of ovs-ofctl.
//
// Start at [Flow]: a [Match] and [Actions], both built by chaining or read by [ParseFlow]. They hold the bytes which
// ovs-vswitchd gives back when the flow is dumped, so the difference between what is wanted and what is there is a
// comparison of strings.
//
//   - field.go, fieldtable.go: the match fields; wire, text and checks all read this one table
//   - oxm.go: fields as they lie in a match, and its canonical form
//   - match.go, setters.go, prereq.go, matchtext.go: matches
//   - subfield.go: bit ranges of fields, as actions use them
//   - kinds.go: the table of actions and instructions
//   - actions.go: lists of actions and how to build them; the larger ones in output.go, controller.go, move.go, setfield.go,
//     ct.go, nat.go, learn.go, multipath.go, portbundle.go, sample.go, encap.go and instructions.go, with their text there or
//     in cttext.go and learntext.go
//   - action.go, decodeaction.go: the type of each action, for whoever reads lists of them
//   - syntax.go, names.go: the two spellings of flows, names in them and where an error is; actiontext.go and parseactions.go: the text
//     of actions
//   - packetouttext.go: packets to send, as text
//   - port.go, mac.go: ports and Ethernet addresses
//   - value.go, parsevalue.go, words.go: the text of values
//   - flow.go, flowmod.go, flowstats.go, flowtext.go: flows
//   - oldflows.go, match10.go, oldactions.go: dumps of switches that speak OpenFlow 1.0 or 1.3
//   - group.go, grouptext.go, groupparse.go: groups
//   - message.go and the files named after a message: everything that goes over the connection. messagekinds.go is the
//     table of all of it, wire.go what decoders share, nicira.go the messages of Open vSwitch.
//     Switch: hello.go, switch.go, config.go, role.go, async.go; flows: flowmod.go, flowstats.go, flowmonitor.go;
//     groups and meters: group.go, groupstats.go, meter.go, metertext.go; tables and ports: table.go,
//     tablefeatures.go, portmod.go, stats.go;
//     packets: packetin.go, packetout.go; bundle.go, requestforward.go, tlv.go, ctflush.go, ipfix.go
//   - multipart.go, parts.go, queries.go: multipart messages, what they consist of, and what asks for them
//   - print.go, messagetext.go: whole messages as text; packet.go: packets; compose.go, composel4.go: packets made of a match
//   - errors.go, codes.go: the errors of a switch, by name
//
// Encoders append and decoders return errors; nothing here logs, opens a socket or panics on what a peer sends. Unknown
// fields, actions and messages are kept as raw bytes. Only builders panic, on values that no caller can have meant, such
// as a register that does not exist.
package openflow
