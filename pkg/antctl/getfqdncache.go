package antctl

import (
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/antrea-mc/antrea-mc/pkg/antctl/cluster"
	systemv1alpha1 "github.com/antrea-mc/antrea-mc/pkg/apis/system/v1alpha1"
)

func newGetFQDNCache(target *cluster.Flags) *cobra.Command {
	return agentsTable[systemv1alpha1.FQDNCacheEntryList]{
		name: "fqdncache", alias: "fqdn", short: "Show the addresses of domain names that rules of policies are about",
		long: `Pods whose policies accept domain names reach the addresses that they were told when they asked for these names. Until
EXPIRATION TIME new connections are accepted; what has lapsed is kept for connections that there are.`,
		subresource: "fqdncache",
		columns:     []string{"FQDN NAME", "ADDRESS", "EXPIRATION TIME", "NODE"},
		rows: func(l systemv1alpha1.FQDNCacheEntryList) (rows [][]string) {
			for _, e := range l.Items {
				expires := e.ExpirationTime.UTC().Format(time.RFC3339)
				if e.Lapsed {
					expires += " (lapsed)"
				}
				rows = append(rows, []string{e.Name, e.Address, expires, l.Node})
			}
			return rows
		},
		params: func(flags *pflag.FlagSet) func() map[string]string {
			domain := flags.StringP("domain", "d", "", "the one domain name to show")
			return func() map[string]string {
				if *domain == "" {
					return nil
				}
				return map[string]string{systemv1alpha1.ParamDomain: *domain}
			}
		},
	}.command(target)
}
