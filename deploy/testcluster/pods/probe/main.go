// A pod for the tests of the cluster itself: it says where it runs, and tries from inside what a test asks for.
//
//	GET /            the pod's name and node
//	GET /lookup?host the addresses of a name
//	GET /fetch?url   what another pod or Service answers
package main

import (
	"context"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// No question a test asks takes longer in a cluster that works.
const patience = 5 * time.Second

func main() {
	http.HandleFunc("GET /{$}", func(answer http.ResponseWriter, _ *http.Request) {
		fmt.Fprintf(answer, "%s %s", os.Getenv("POD"), os.Getenv("NODE"))
	})
	http.HandleFunc("GET /lookup", func(answer http.ResponseWriter, request *http.Request) {
		limited, cancel := context.WithTimeout(request.Context(), patience)
		defer cancel()
		found, err := net.DefaultResolver.LookupHost(limited, request.URL.RawQuery)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadGateway)
			return
		}
		fmt.Fprint(answer, strings.Join(found, " "))
	})
	client := http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true}}
	http.HandleFunc("GET /fetch", func(answer http.ResponseWriter, request *http.Request) {
		got, err := client.Get(request.URL.RawQuery)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadGateway)
			return
		}
		defer got.Body.Close()
		answer.WriteHeader(got.StatusCode)
		_, _ = io.Copy(answer, io.LimitReader(got.Body, 64<<10))
	})
	server := &http.Server{Addr: ":8080", ReadHeaderTimeout: patience}
	ended, stop := signal.NotifyContext(context.Background(), syscall.SIGINT, syscall.SIGTERM)
	defer stop()
	go func() {
		<-ended.Done()
		_ = server.Shutdown(context.Background())
	}()
	if err := server.ListenAndServe(); err != http.ErrServerClosed {
		log.Fatal(err)
	}
	<-ended.Done()
}
