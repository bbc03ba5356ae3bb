package pipeline

import (
	"slices"
	"testing"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
)

// Every bit has one meaning, but for fields that are parts of others on purpose.
func TestFieldsAreApart(t *testing.T) {
	apart := map[string]openflow.Subfield{
		"sourceClass": sourceClass, "destinationClass": destinationClass, "endpointWritten": endpointWritten, "natKind": natKind, "fromOtherCluster": fromOtherCluster,
		"hostRefuses": hostRefuses, "endpointChosen": endpointChosen, "ruleDecided": ruleDecided, "outputPort": outputPort,
		"peerClass": peerClass, "egressRule": egressRule, "ingressRule": ingressRule, "affinityService": affinityService,
		"savedPort": savedPort, "endpointPort": endpointPort, "gatewayGroup": gatewayGroup, "savedIPv6": savedIPv6,
		"endpointIPv6": endpointIPv6, "connectionSource": connectionSource, "connectionTranslation": connectionTranslation,
		"connectionBlocked": connectionBlocked, "connectionEgressRule": connectionEgressRule,
		"connectionIngressRule": connectionIngressRule, "connectionGateway": connectionGateway,
	}
	owner := make(map[bit]string)
	for name, s := range apart {
		for _, b := range bits(s) {
			if other := owner[b]; other != "" {
				t.Errorf("bit %d of %s is in %s and %s", b.n, b.field, other, name)
			}
			owner[b] = name
		}
	}
	for _, part := range []struct {
		name string
		s    openflow.Subfield
		of   []string
	}{
		{"peerIsForeign", peerIsForeign, []string{"peerClass"}},
		{"translation", translation, []string{"endpointWritten", "natKind"}},
		{"connectionToService", connectionToService, []string{"connectionTranslation"}},
		{"savedIPv4", savedIPv4, []string{"savedIPv6"}},
		{"endpointIPv4", endpointIPv4, []string{"endpointIPv6"}},
	} {
		for _, b := range bits(part.s) {
			if !slices.Contains(part.of, owner[b]) {
				t.Errorf("bit %d of %s is part of %s, and belongs to %q and not to %v", b.n, b.field, part.name, owner[b], part.of)
			}
		}
	}
	if translation.Width != connectionTranslation.Width || connectionSource.Width != sourceClass.Width {
		t.Error("what a connection keeps is not as wide as what its packets have")
	}
}

type bit struct {
	field openflow.FieldID
	n     uint16
}

// bits are the bits of a field; those of xxreg fields are told by the registers that they are made of.
func bits(s openflow.Subfield) []bit {
	var list []bit
	for n := s.First; n < s.First+s.Width; n++ {
		if s.Field >= openflow.FieldXXReg0 && s.Field <= openflow.FieldXXReg3 {
			first := openflow.FieldReg0 + 4*(s.Field-openflow.FieldXXReg0) // has the most significant bits
			list = append(list, bit{first + openflow.FieldID(3-n/32), n % 32})
			continue
		}
		list = append(list, bit{s.Field, n})
	}
	return list
}
