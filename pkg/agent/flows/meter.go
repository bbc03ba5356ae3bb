package flows

import (
	"context"
	"errors"
	"fmt"

	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
)

// toldPerSecond is how many packets in a second the switch sends to the agent, of all flows together. It is to tell of what happens,
// and nothing that a Pod sends may cost more.
const toldPerSecond = 20

// toldMeter is what Open vSwitch asks before it sends a packet.
func toldMeter() openflow.Meter {
	return openflow.Meter{
		ID: openflow.MeterController, Flags: openflow.MeterPktps | openflow.MeterBurst,
		Bands: []openflow.MeterBand{{Type: openflow.BandDrop, Rate: toldPerSecond, Burst: toldPerSecond}},
	}
}

// limitTold sets the meter. It has to be there before flows that send packets.
func limitTold(ctx context.Context, conn *ofconn.Conn) error {
	m := openflow.MeterMod{Command: openflow.MeterAdd, Meter: toldMeter()}
	err := conn.Send(ctx, m)
	if errors.Is(err, openflow.ErrMeterExists) {
		m.Command = openflow.MeterModify
		err = conn.Send(ctx, m)
	}
	if err != nil {
		return fmt.Errorf("limit what the switch tells: %w", err)
	}
	return nil
}

// auditMeter tells how the meter differs, and sets it again if it is to. A switch that did not take it has none to compare.
func (s *Syncer) auditMeter(ctx context.Context, conn *ofconn.Conn, repair bool) ([]systemv1alpha1.Drift, error) {
	if !s.limited {
		return nil, nil
	}
	want, have := toldMeter(), ""
	for m, err := range conn.DumpMeters(ctx) {
		switch {
		case err != nil:
			return nil, err
		case m.ID != want.ID:
		case m.String() == want.String():
			return nil, nil
		default:
			have = m.String()
		}
	}
	found := []systemv1alpha1.Drift{systemv1alpha1.NewDrift(systemv1alpha1.DriftMeter, want.String(), have)}
	if repair {
		return found, limitTold(ctx, conn)
	}
	return found, nil
}
