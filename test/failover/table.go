package failover

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
)

// Row sums up the runs of one fault on one side.
type Row struct {
	Fault, Side                    string
	Runs                           int
	LostMin, LostMedian, LostMax   int64 // milliseconds, of the UDP flow that lost most
	StallTCP                       int64 // worst
	NewFailed, NewTried            int
	Broken, Resets                 int   // connections
	BackLostMedian, BackLostMax    int64 // after the fault was mended
	BackNewFailed                  int
	Cuts                           bool  `json:",omitempty"`
	ThroughMedian, ThroughMax      int64 `json:",omitempty"` // if it cuts: see Run.Back
	QuietLostMax, QuietStallTCPMax int64 // before the fault: what the machine does by itself
}

// Rows are the rows of the table, in the order of the first run of each.
func Rows(runs []Run) []Row {
	var rows []Row
	lost, back, through := map[int][]int64{}, map[int][]int64{}, map[int][]int64{}
	for _, r := range runs {
		i := slices.IndexFunc(rows, func(row Row) bool { return row.Fault == r.Fault && row.Side == r.Side })
		if i < 0 {
			i = len(rows)
			rows = append(rows, Row{Fault: r.Fault, Side: r.Side, Cuts: r.Cuts})
		}
		row := &rows[i]
		row.Runs++
		lost[i], back[i] = append(lost[i], r.Failover.LostMillis), append(back[i], r.FailBack.LostMillis)
		through[i] = append(through[i], r.Back)
		row.StallTCP = max(row.StallTCP, r.Failover.StallTCP)
		row.NewFailed += r.Failover.NewFailed
		row.NewTried += r.Failover.NewTried
		row.Broken += r.Failover.Broken
		row.Resets += r.Failover.Resets + r.FailBack.Resets
		row.BackNewFailed += r.FailBack.NewFailed
		row.QuietLostMax = max(row.QuietLostMax, r.Quiet.LostMillis)
		row.QuietStallTCPMax = max(row.QuietStallTCPMax, r.Quiet.StallTCP)
	}
	for i := range rows {
		slices.Sort(lost[i])
		slices.Sort(back[i])
		slices.Sort(through[i])
		n := len(lost[i])
		rows[i].LostMin, rows[i].LostMedian, rows[i].LostMax = lost[i][0], lost[i][n/2], lost[i][n-1]
		rows[i].BackLostMedian, rows[i].BackLostMax = back[i][n/2], back[i][n-1]
		rows[i].ThroughMedian, rows[i].ThroughMax = through[i][n/2], through[i][n-1]
	}
	return rows
}

// Print writes the table.
func Print(w io.Writer, rows []Row) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "FAULT\tSIDE\tRUNS\tLOST ms min/med/max\tWORST TCP STALL ms\tNEW FAILED\tBROKEN\tRESETS\tFAIL-BACK LOST ms med/max\tBACK NEW FAILED\tBEFORE: LOST/STALL ms")
	for _, r := range rows {
		lost := fmt.Sprintf("%d/%d/%d", r.LostMin, r.LostMedian, r.LostMax)
		if r.Cuts {
			lost = fmt.Sprintf("all, and %d/%d after it was mended (med/max)", r.ThroughMedian, r.ThroughMax)
		}
		fmt.Fprintf(t, "%s\t%s\t%d\t%s\t%d\t%d of %d\t%d\t%d\t%d/%d\t%d\t%d/%d\n", r.Fault, r.Side, r.Runs, lost, r.StallTCP,
			r.NewFailed, r.NewTried, r.Broken, r.Resets, r.BackLostMedian, r.BackLostMax, r.BackNewFailed, r.QuietLostMax, r.QuietStallTCPMax)
	}
	return t.Flush()
}
