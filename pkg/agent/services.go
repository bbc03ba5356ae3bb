package agent

import (
	"context"

	"github.com/antrea-mc/antrea-mc/pkg/agent/config"
	"github.com/antrea-mc/antrea-mc/pkg/agent/services"
	"github.com/antrea-mc/antrea-mc/pkg/openflow"
	"github.com/antrea-mc/antrea-mc/pkg/pipeline"
	"github.com/antrea-mc/antrea-mc/pkg/proxy"
)

// proxyMode is what the switch does for Services.
func proxyMode(c config.Proxy) pipeline.Proxy {
	switch {
	case !c.Enable:
		return pipeline.ProxyOff
	case c.All:
		return pipeline.ProxyAll
	}
	return pipeline.ProxyPods
}

// startServices starts the source of Services and what goes with it.
func (a *agent) startServices(start func(string, func(context.Context) error)) {
	forgetter := &services.Forgetter{Flush: a.syncer.Flush, Send: func(ctx context.Context, m ...openflow.Message) error {
		conn, err := a.syncer.Conn()
		if err != nil {
			return err
		}
		return conn.Send(ctx, m...)
	}}
	health := &services.HealthServer{}
	start("services", (&services.Source{
		Client: a.Client, Store: a.store, Gone: forgetter.Gone, Health: health.Set,
		Node: proxy.Node{
			Name: a.NodeName, All: a.Proxy.All, SkipLoadBalancers: !a.Proxy.LoadBalancerIPs, ProxyName: a.Proxy.ServiceProxyName, Skip: a.Proxy.Skip,
		},
	}).Run)
	start("forgetter", forgetter.Run)
	start("health", health.Run)
}
