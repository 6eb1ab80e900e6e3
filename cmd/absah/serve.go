package main

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/http/pprof"
	"sync"
	"syscall"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/spf13/cobra"

	"github.com/absah-id/absah/evidence"
	"github.com/absah-id/absah/internal/config"
	"github.com/absah-id/absah/store"
)

func newServeCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "serve CONFIG",
		Short: "Serve the gateway over HTTP",
		Long: `Serve answers applications, citizens and staff until it gets SIGTERM or SIGINT; then it
lets the requests in progress end. docs/CONFIGURATION.md explains CONFIG.

It ends with status 75 when the disk did not take what SQLite wrote: nobody knows what is
there until the database has been opened anew, so start it again, as the systemd unit does.
A log that was tampered with or rolled back is not mended by that: a gateway that meets one
while it runs goes on without signing, not ready, and one that starts ends with status 77.`,
		Args: exactArgs("CONFIG"),
		RunE: func(cmd *cobra.Command, args []string) error {
			cfg, err := loadConfig(args[0])
			if err != nil {
				return err
			}
			if err := keepMemory(); err != nil {
				return err
			}
			s, err := openService(cmd.Context(), cfg, newLogger(cmd.ErrOrStderr(), cfg.Log))
			if err != nil {
				return err
			}
			if err := s.openPublic(cmd.Context()); err != nil {
				return errors.Join(err, s.close())
			}
			return errors.Join(s.serve(cmd.Context()), s.close())
		},
	}
}

func loadConfig(name string) (*config.Config, error) {
	cfg, err := config.Load(name)
	if err == nil {
		err = cfg.CheckFiles()
	}
	if err != nil {
		return nil, usageErrorf("%v", err)
	}
	return cfg, nil
}

func newLogger(w io.Writer, cfg config.Log) *slog.Logger {
	var level slog.Level
	if err := level.UnmarshalText([]byte(cfg.Level)); err != nil {
		level = slog.LevelInfo // config has checked it
	}
	options := &slog.HandlerOptions{Level: level, ReplaceAttr: withoutNames}
	if cfg.Format == "text" {
		return slog.New(slog.NewTextHandler(w, options))
	}
	return slog.New(slog.NewJSONHandler(w, options))
}

// serve listens, works until ctx is done, and then lets requests in progress
// end.
func (s *gatewayService) serve(ctx context.Context) error {
	listener, err := listenOn("server.listen", s.cfg.Server.Listen)
	if err != nil {
		return err
	}
	config, err := serverTLS(s.cfg.Server.TLS, s.logger)
	if err != nil {
		listener.Close()
		return err
	}
	var (
		work    sync.WaitGroup
		failed  = make(chan error, 2)
		public  = s.api.HTTP(config)
		running = []*http.Server{public}
	)
	background, stop := context.WithCancel(context.WithoutCancel(ctx))
	work.Go(func() {
		if err := s.log.Run(background); err != nil && background.Err() == nil {
			s.logger.Error("log stopped", "error", err) // readiness fails from now on
		}
	})
	for _, c := range s.housekeeping() {
		work.Go(func() { s.repeat(background, c) })
	}
	work.Go(func() { failed <- listen(public, listener) })
	if s.cfg.Admin.Listen != "off" {
		admin, err := s.serveAdmin(&work, failed)
		if err != nil {
			stop()
			err = errors.Join(err, public.Close())
			work.Wait()
			return err
		}
		running = append(running, admin)
	}
	s.logger.Info("serving", "address", listener.Addr().String(), "tls", config != nil, "version", buildVersion())
	notify("READY=1")
	select {
	case <-ctx.Done():
	case err = <-failed:
	case <-s.db.Failed():
		// What is on the disk is known again once the database has been opened
		// anew, which is the next process's. Requests in progress learn that
		// nothing can be recorded.
		err = &exitError{statusRestart, store.ErrFailed}
	}
	notify("STOPPING=1")
	s.logger.Info("stopping", "cause", err)
	ending, cancel := context.WithTimeout(context.WithoutCancel(ctx), s.cfg.Server.Shutdown)
	defer cancel()
	for _, server := range running {
		err = errors.Join(err, server.Shutdown(ending))
	}
	stop()
	work.Wait()
	_, last := s.log.Integrate(ending)
	if errors.Is(last, evidence.ErrConflict) { // another node has done it
		last = nil
	}
	return errors.Join(err, last)
}

func listen(server *http.Server, l net.Listener) error {
	var err error
	if server.TLSConfig != nil {
		err = server.ServeTLS(l, "", "")
	} else {
		err = server.Serve(l)
	}
	if errors.Is(err, http.ErrServerClosed) {
		return nil
	}
	return err
}

// listenOn listens on the address that a key of the configuration names. One that
// is taken, or that only root may have, is a fault of the configuration.
func listenOn(key, address string) (net.Listener, error) {
	l, err := net.Listen("tcp", address)
	switch {
	case errors.Is(err, syscall.EADDRINUSE):
		return nil, usageErrorf("%s: %s is taken: does a gateway run already?", key, address)
	case errors.Is(err, syscall.EACCES):
		return nil, usageErrorf("%s: %v", key, err)
	}
	return l, err
}

func (s *gatewayService) serveAdmin(work *sync.WaitGroup, failed chan<- error) (*http.Server, error) {
	l, err := listenOn("admin.listen", s.cfg.Admin.Listen)
	if err != nil {
		return nil, err
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(s.metrics, promhttp.HandlerOpts{}))
	mux.HandleFunc("GET /readyz", s.writeHealth)
	mux.HandleFunc("/debug/pprof/", pprof.Index)
	mux.HandleFunc("/debug/pprof/profile", pprof.Profile)
	mux.HandleFunc("/debug/pprof/trace", pprof.Trace)
	server := &http.Server{Handler: mux, ReadHeaderTimeout: 10 * time.Second}
	work.Go(func() { failed <- listen(server, l) })
	return server, nil
}
