package openflow

import (
	"bytes"
	"cmp"
	"encoding/binary"
	"fmt"
	"slices"
)

// Group is a group entry: a set of buckets of which the switch runs some.
type Group struct {
	ID      uint32
	Type    GroupType
	Buckets []Bucket
	// SelectionMethod is how a select group chooses: "" or "dp_hash" or "hash", with Fields for the last.
	SelectionMethod string
	SelectionParam  uint64
	Fields          []GroupField
}

// GroupField is a field that a select group hashes.
type GroupField struct {
	ID   FieldID
	Mask string // the bits that count; "" for all
}

// GroupFields are whole fields that a select group hashes.
func GroupFields(ids ...FieldID) []GroupField {
	list := make([]GroupField, len(ids))
	for i, id := range ids {
		list[i].ID = id
	}
	return list
}

// GroupType is how a group chooses among its buckets.
type GroupType uint8

// The types of groups.
const (
	GroupAll GroupType = iota
	GroupSelect
	GroupIndirect
	GroupFastFailover
)

var groupTypeNames = [...]string{"all", "select", "indirect", "ff"}

// String is the type as ovs-ofctl spells it.
func (t GroupType) String() string {
	if int(t) < len(groupTypeNames) {
		return groupTypeNames[t]
	}
	return fmt.Sprintf("type %d", uint8(t))
}

// NoWatch is a bucket's WatchGroup when it watches none; its WatchPort then is [PortAny].
const NoWatch = 0xffffffff

// Bucket is one choice of a group.
type Bucket struct {
	ID         uint32
	Weight     uint16 // share in a select group
	WatchPort  Port   // alive only with this port; 0 or PortAny to watch none
	WatchGroup uint32 // alive only with this group; 0 or NoWatch to watch none
	Actions    Actions
}

// GroupCommand is what a [GroupMod] does with its group.
type GroupCommand uint16

// The commands of a group mod.
const (
	GroupAdd         GroupCommand = 0
	GroupModify      GroupCommand = 1
	GroupDelete      GroupCommand = 2
	GroupInsert      GroupCommand = 3
	GroupRemove      GroupCommand = 5
	GroupAddOrModify GroupCommand = 0x8000 // of Open vSwitch
)

var groupCommandNames = map[GroupCommand]string{
	GroupAdd: "add", GroupModify: "modify", GroupDelete: "delete", GroupInsert: "insert_bucket", GroupRemove: "remove_bucket",
	GroupAddOrModify: "add_or_mod",
}

// String is the command as ovs-ofctl spells it in a bundle file.
func (c GroupCommand) String() string {
	if name, ok := groupCommandNames[c]; ok {
		return name
	}
	return fmt.Sprintf("command %d", uint16(c))
}

// GroupEvery is the id for deleting all groups.
const GroupEvery = 0xfffffffc

// BucketAll and its neighbors stand for buckets in GroupMod.Bucket.
const (
	BucketFirst = 0xfffffffd
	BucketLast  = 0xfffffffe
	BucketAll   = 0xffffffff
)

// GroupMod adds, changes or deletes a group.
type GroupMod struct {
	Command GroupCommand
	Group   Group
	Bucket  uint32 // for GroupInsert the bucket to insert after, for GroupRemove the one to remove
}

func (GroupMod) mod() {}

// MessageType implements [Message].
func (GroupMod) MessageType() MessageType { return TypeGroupMod }

// String is the change as ovs-ofctl takes it in a bundle file, and [ParseGroupMod] without its first word.
func (m GroupMod) String() string { return "group " + m.Command.String() + " " + plain.groupMod(m) }

// Numbers of group and bucket properties.
const (
	bucketPropWeight     = 0
	bucketPropWatchPort  = 1
	bucketPropWatchGroup = 2
	propExperimenter     = 0xffff

	experimenterNTR = 0x0000154d
	ntrSelection    = 1
)

// AppendBinary implements [Message].
func (m GroupMod) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = binary.BigEndian.AppendUint16(b, uint16(m.Command))
	b = append(b, byte(m.Group.Type), 0)
	b = binary.BigEndian.AppendUint32(b, m.Group.ID)
	b = append(b, 0, 0, 0, 0)
	bucket := m.Bucket
	if m.Command != GroupInsert && m.Command != GroupRemove {
		bucket = BucketAll
	}
	b = binary.BigEndian.AppendUint32(b, bucket)
	switch m.Command {
	case GroupDelete:
		return b, nil
	case GroupRemove:
		m.Group.Buckets = nil
	}
	b, n, err := m.Group.appendBuckets(b)
	binary.BigEndian.PutUint16(b[start+8:], uint16(n))
	return b, err
}

func decodeGroupMod(b []byte) (GroupMod, error) {
	if len(b) < 16 {
		return GroupMod{}, fmt.Errorf("%d bytes: %w", len(b), errTruncated)
	}
	m := GroupMod{
		Command: GroupCommand(binary.BigEndian.Uint16(b)),
		Group:   Group{ID: binary.BigEndian.Uint32(b[4:]), Type: GroupType(b[2])},
		Bucket:  binary.BigEndian.Uint32(b[12:]),
	}
	if m.Command != GroupInsert && m.Command != GroupRemove {
		m.Bucket = 0
	}
	err := m.Group.decodeBuckets(b[16:], int(binary.BigEndian.Uint16(b[8:])))
	switch m.Command {
	case GroupDelete: // which needs no more than the id
		m.Group = Group{ID: m.Group.ID, Type: m.Group.Type}
	case GroupRemove:
		m.Group.Buckets = nil
	}
	return m, err
}

const groupDescLen = 16

// DecodeGroup takes one group off the front of the body of a group description reply.
func DecodeGroup(b []byte) (g Group, rest []byte, err error) {
	if len(b) < groupDescLen {
		return Group{}, nil, fmt.Errorf("group in %d bytes: %w", len(b), errTruncated)
	}
	n := int(binary.BigEndian.Uint16(b))
	if n < groupDescLen || n > len(b) {
		return Group{}, nil, fmt.Errorf("group of %d bytes in %d: %w", n, len(b), errTruncated)
	}
	g = Group{Type: GroupType(b[2]), ID: binary.BigEndian.Uint32(b[4:])}
	return g, b[n:], g.decodeBuckets(b[groupDescLen:n], int(binary.BigEndian.Uint16(b[8:])))
}

// AppendBinary appends the group as it stands in a group description reply.
func (g Group) AppendBinary(b []byte) ([]byte, error) {
	start := len(b)
	b = append(b, 0, 0, byte(g.Type), 0)
	b = binary.BigEndian.AppendUint32(b, g.ID)
	b = append(b, 0, 0, 0, 0, 0, 0, 0, 0)
	b, n, err := g.appendBuckets(b)
	binary.BigEndian.PutUint16(b[start+8:], uint16(n))
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b, err
}

// appendBuckets appends the buckets, whose length it returns, and the properties of the group.
func (g Group) appendBuckets(b []byte) ([]byte, int, error) {
	start := len(b)
	for _, bucket := range g.Buckets {
		b = bucket.append(b, g.Type)
	}
	n := len(b) - start
	if g.SelectionMethod == "" {
		return b, n, nil
	}
	if len(g.SelectionMethod) > 15 {
		return b, n, fmt.Errorf("group %d: selection method %q is longer than 15 bytes", g.ID, g.SelectionMethod)
	}
	prop := len(b)
	b = append(b, propExperimenter>>8, propExperimenter&0xff, 0, 0)
	b = binary.BigEndian.AppendUint32(b, experimenterNTR)
	b = binary.BigEndian.AppendUint32(b, ntrSelection)
	b = append(b, 0, 0, 0, 0)
	var method [16]byte
	copy(method[:], g.SelectionMethod)
	b = append(b, method[:]...)
	b = binary.BigEndian.AppendUint64(b, g.SelectionParam)
	for _, f := range g.Fields {
		mask := f.Mask
		if mask == "" {
			mask = allOnes[:f.ID.Bytes()]
		}
		b = append(f.ID.wire().appendHeader(b, len(mask), false), mask...)
	}
	length := len(b) - prop
	binary.BigEndian.PutUint16(b[prop+2:], uint16(length))
	return append(b, allZeros[:pad8(length)]...), n, nil
}

func (k Bucket) append(b []byte, t GroupType) []byte {
	start := len(b)
	b = append(b, 0, 0)
	b = binary.BigEndian.AppendUint16(b, uint16(len(k.Actions.list)))
	b = binary.BigEndian.AppendUint32(b, k.ID)
	b = append(b, k.Actions.list...)
	if t == GroupSelect {
		b = append(b, 0, bucketPropWeight, 0, 8)
		b = binary.BigEndian.AppendUint16(b, k.Weight)
		b = append(b, 0, 0)
	}
	if k.WatchPort != 0 && k.WatchPort != PortAny {
		b = append(b, 0, bucketPropWatchPort, 0, 8)
		b = binary.BigEndian.AppendUint32(b, uint32(k.WatchPort))
	}
	if k.WatchGroup != 0 && k.WatchGroup != NoWatch {
		b = append(b, 0, bucketPropWatchGroup, 0, 8)
		b = binary.BigEndian.AppendUint32(b, k.WatchGroup)
	}
	binary.BigEndian.PutUint16(b[start:], uint16(len(b)-start))
	return b
}

// decodeBuckets reads n bytes of buckets and the properties after them.
func (g *Group) decodeBuckets(b []byte, n int) error {
	if n > len(b) {
		return fmt.Errorf("buckets of %d bytes in %d: %w", n, len(b), errTruncated)
	}
	buckets, props := b[:n], b[n:]
	for len(buckets) > 0 {
		k, rest, err := cutBucket(buckets)
		if err != nil {
			return err
		}
		g.Buckets, buckets = append(g.Buckets, k.canonical(g.Type)), rest
	}
	return eachProperty(props, func(kind uint16, body []byte) error {
		if kind != propExperimenter || len(body) < 36 || binary.BigEndian.Uint32(body) != experimenterNTR ||
			binary.BigEndian.Uint32(body[4:]) != ntrSelection {
			return nil
		}
		method, _, ended := bytes.Cut(body[12:28], []byte{0})
		if len(method) == 0 || !ended {
			return nil // which the switch refuses
		}
		g.SelectionMethod = string(method)
		g.SelectionParam = binary.BigEndian.Uint64(body[28:])
		return g.decodeFields(body[36:])
	})
}

func (g *Group) decodeFields(b []byte) error {
	for s := string(b); s != ""; {
		e, rest, err := cutEntry(s)
		if err != nil {
			return err
		}
		if e.raw == "" {
			f := GroupField{ID: e.id, Mask: e.value}
			if f.Mask == allOnes[:e.id.Bytes()] {
				f.Mask = ""
			}
			g.Fields = append(g.Fields, f)
		}
		s = rest
	}
	return nil
}

func cutBucket(b []byte) (k Bucket, rest []byte, err error) {
	if len(b) < 8 {
		return Bucket{}, nil, fmt.Errorf("bucket in %d bytes: %w", len(b), errTruncated)
	}
	n, actions := int(binary.BigEndian.Uint16(b)), int(binary.BigEndian.Uint16(b[2:]))
	if n < 8 || n > len(b) || 8+actions > n {
		return Bucket{}, nil, fmt.Errorf("bucket of %d bytes, %d of them actions, in %d", n, actions, len(b))
	}
	k = Bucket{ID: binary.BigEndian.Uint32(b[4:])}
	if k.Actions.list, err = decodeActions(b[8 : 8+actions]); err != nil {
		return Bucket{}, nil, err
	}
	err = eachProperty(b[8+actions:n], func(kind uint16, body []byte) error {
		if len(body) != 4 {
			return nil
		}
		switch kind {
		case bucketPropWeight:
			k.Weight = binary.BigEndian.Uint16(body)
		case bucketPropWatchPort:
			k.WatchPort = Port(binary.BigEndian.Uint32(body))
		case bucketPropWatchGroup:
			k.WatchGroup = binary.BigEndian.Uint32(body)
		}
		return nil
	})
	return k, b[n:], err
}

// eachProperty calls f for the properties that fill b.
func eachProperty(b []byte, f func(kind uint16, body []byte) error) error {
	for len(b) > 0 {
		if len(b) < 4 {
			return fmt.Errorf("property in %d bytes: %w", len(b), errTruncated)
		}
		kind, n := binary.BigEndian.Uint16(b), int(binary.BigEndian.Uint16(b[2:]))
		if n < 4 || n > len(b) {
			return fmt.Errorf("property of %d bytes in %d", n, len(b))
		}
		if err := f(kind, b[4:n]); err != nil {
			return err
		}
		b = b[min(n+pad8(n), len(b)):]
	}
	return nil
}

// Equal reports whether g and h are the same group in all respects. A bucket that watches nothing may say so either way, and the
// fields may come in any order.
func (g Group) Equal(h Group) bool {
	return g.ID == h.ID && g.Type == h.Type && g.SelectionMethod == h.SelectionMethod && g.SelectionParam == h.SelectionParam &&
		slices.Equal(sortedFields(g), sortedFields(h)) && slices.EqualFunc(g.Buckets, h.Buckets, func(a, b Bucket) bool {
		return a.canonical(g.Type) == b.canonical(g.Type)
	})
}

func sortedFields(g Group) []GroupField {
	return slices.SortedFunc(slices.Values(g.Fields), func(a, b GroupField) int { return cmp.Compare(a.ID, b.ID) })
}

// canonical is the bucket as decoding gives it.
func (k Bucket) canonical(t GroupType) Bucket {
	if t != GroupSelect {
		k.Weight = 0
	}
	if k.WatchPort == PortAny {
		k.WatchPort = 0
	}
	if k.WatchGroup == NoWatch {
		k.WatchGroup = 0
	}
	return k
}
