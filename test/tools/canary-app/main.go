// SPDX-License-Identifier: Apache-2.0

// The application that deployments are tried with: an HTTP server whose faults come from its environment.
package main

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os"
	"os/signal"
	"strconv"
	"sync/atomic"
	"syscall"
	"time"
)

// number reads a variable; an empty one is zero, one that is no number ends the program, as a bad ConfigMap should.
func number(name string) float64 {
	text := os.Getenv(name)
	if text == "" {
		return 0
	}
	value, err := strconv.ParseFloat(text, 64)
	if err != nil {
		fmt.Fprintf(os.Stderr, "config error: %s=%q is not a number\n", name, text)
		os.Exit(78)
	}
	return value
}

type application struct {
	version, pod          string
	failShare, failAfter  float64 // 0 to 1; from which request on
	slowShare, slowMillis float64
	// What happens at which request; 0 for never.
	crashAt, unreadyAt, hoardAt float64
	total, failed               atomic.Int64
	ready                       atomic.Bool
}

func (app *application) serve(reply http.ResponseWriter, _ *http.Request) {
	count := app.total.Add(1)
	switch float64(count) {
	case app.crashAt:
		crash()
	case app.unreadyAt:
		app.ready.Store(false)
	case app.hoardAt:
		go hoard(int(number("HOARD_MEGABYTES")))
	}
	reply.Header().Set("X-App-Version", app.version)
	reply.Header().Set("X-App-Pod", app.pod)
	if rand.Float64() < app.slowShare {
		time.Sleep(time.Duration(app.slowMillis) * time.Millisecond)
	}
	if float64(count) > app.failAfter && rand.Float64() < app.failShare {
		app.failed.Add(1)
		http.Error(reply, "this version answers so on purpose", http.StatusInternalServerError)
		return
	}
	fmt.Fprintf(reply, "%s\n", app.version)
}

func (app *application) health(reply http.ResponseWriter, _ *http.Request) {
	if !app.ready.Load() {
		http.Error(reply, "not ready", http.StatusServiceUnavailable)
	}
}

func (app *application) metrics(reply http.ResponseWriter, _ *http.Request) {
	failed := app.failed.Load()
	fmt.Fprintf(reply, "# TYPE app_requests_total counter\napp_requests_total{code=\"200\"} %d\napp_requests_total{code=\"500\"} %d\n", app.total.Load()-failed, failed)
}

func crash() {
	fmt.Fprintln(os.Stderr, "panic: this version crashes on purpose")
	os.Exit(2)
}

// hoard takes memory until the limit of the container ends it.
func hoard(megabytes int) {
	var kept [][]byte
	for range megabytes {
		block := make([]byte, 1<<20)
		for at := 0; at < len(block); at += 4096 {
			block[at] = 1
		}
		kept = append(kept, block)
	}
	if megabytes > 0 {
		fmt.Printf("holding %d MiB\n", len(kept))
	}
}

func main() {
	pod, _ := os.Hostname()
	app := &application{version: os.Getenv("VERSION"), pod: pod, failShare: number("FAIL_SHARE"), failAfter: number("FAIL_AFTER_REQUESTS"), slowShare: number("SLOW_SHARE"), slowMillis: number("SLOW_MILLIS"),
		crashAt: number("CRASH_AT_REQUEST"), unreadyAt: number("UNREADY_AT_REQUEST"), hoardAt: number("HOARD_AT_REQUEST")}
	app.ready.Store(os.Getenv("NEVER_READY") == "")
	if seconds := os.Getenv("CRASH_AFTER_SECONDS"); seconds != "" {
		time.AfterFunc(time.Duration(number("CRASH_AFTER_SECONDS")*float64(time.Second)), crash)
	}
	if app.hoardAt == 0 {
		hoard(int(number("HOARD_MEGABYTES")))
	}
	routes := http.NewServeMux()
	routes.HandleFunc("/", app.serve)
	routes.HandleFunc("/healthz", app.health)
	routes.HandleFunc("/metrics", app.metrics)
	server := &http.Server{Addr: ":8080", Handler: routes, ReadHeaderTimeout: 5 * time.Second}
	stopped := make(chan os.Signal, 1)
	signal.Notify(stopped, syscall.SIGTERM, syscall.SIGINT)
	go func() {
		<-stopped
		// Gateways learn of the end some moments later than the pod.
		app.ready.Store(false)
		time.Sleep(3 * time.Second)
		deadline, done := context.WithTimeout(context.Background(), 5*time.Second)
		defer done()
		_ = server.Shutdown(deadline)
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	time.Sleep(100 * time.Millisecond)
}
