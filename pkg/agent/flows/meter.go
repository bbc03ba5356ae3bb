package flows

import (
	"context"
	"errors"
	"fmt"

	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/ovs/ofconn"
)

// toldPerSecond is how many packets in a second the switch sends to the agent, of all flows together. It is to tell of what happens,
// and nothing that a Pod sends may cost more.
const toldPerSecond = 20

// limitTold sets the meter that Open vSwitch asks before it sends a packet. It has to be there before flows that do so.
func limitTold(ctx context.Context, conn *ofconn.Conn) error {
	m := openflow.MeterMod{Command: openflow.MeterAdd, Meter: openflow.Meter{
		ID: openflow.MeterController, Flags: openflow.MeterPktps | openflow.MeterBurst,
		Bands: []openflow.MeterBand{{Type: openflow.BandDrop, Rate: toldPerSecond, Burst: toldPerSecond}},
	}}
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
