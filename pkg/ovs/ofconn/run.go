package ofconn

import (
	"context"
	"errors"
	"fmt"
	"time"
)

const (
	firstBackoff      = 100 * time.Millisecond
	defaultMaxBackoff = 5 * time.Second
)

// Run connects at once, and again whenever the connection ends, and calls f for each connection with a context that ends
// with it. A connection is closed when f returns. Attempts that fail one after the other wait longer and longer. Run returns
// nil when ctx is done.
func Run(ctx context.Context, addr string, config Config, f func(context.Context, *Conn) error) error {
	longest := config.MaxBackoff
	if longest == 0 {
		longest = defaultMaxBackoff
	}
	for wait := firstBackoff; ; {
		started := time.Now()
		err := runOnce(ctx, addr, config, f)
		if ctx.Err() != nil {
			return nil
		}
		if err != nil && config.Report != nil {
			config.Report(err)
		}
		if time.Since(started) > longest {
			wait = firstBackoff
		}
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(wait):
		}
		wait = min(2*wait, longest)
	}
}

func runOnce(ctx context.Context, addr string, config Config, f func(context.Context, *Conn) error) error {
	c, err := Dial(ctx, addr, config)
	if err != nil {
		return err
	}
	defer c.Close()
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	stop := make(chan struct{})
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		select {
		case <-c.Done():
			cancel(c.Err())
		case <-stop:
		}
	}()
	err = f(ctx, c)
	close(stop)
	<-ended
	if lost := c.Err(); lost != nil {
		return errors.Join(fmt.Errorf("connection to switch %s: %w", addr, lost), err)
	}
	return err
}
