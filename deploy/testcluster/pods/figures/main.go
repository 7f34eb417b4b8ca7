// The metrics API of a cluster whose autoscalers are tested: it tells of one figure, and a test says which.
//
//	http  :8080 GET /tell?7  what it tells from now on
//	https :8443 the aggregated API external.metrics.k8s.io, in which every metric is that figure
package main

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"log"
	"math/big"
	"net/http"
	"strconv"
	"sync/atomic"
	"time"
)

const (
	api      = "/apis/external.metrics.k8s.io/v1beta1"
	patience = 5 * time.Second
)

func main() {
	var figure atomic.Int64
	tell := http.NewServeMux()
	tell.HandleFunc("GET /tell", func(answer http.ResponseWriter, request *http.Request) {
		number, err := strconv.ParseInt(request.URL.RawQuery, 10, 64)
		if err != nil {
			http.Error(answer, err.Error(), http.StatusBadRequest)
			return
		}
		figure.Store(number)
	})
	ask := http.NewServeMux()
	ask.HandleFunc("GET "+api, func(answer http.ResponseWriter, _ *http.Request) {
		write(answer, map[string]any{
			"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "external.metrics.k8s.io/v1beta1",
			"resources": []any{},
		})
	})
	ask.HandleFunc("GET "+api+"/namespaces/{namespace}/{metric}", func(answer http.ResponseWriter, request *http.Request) {
		write(answer, map[string]any{
			"kind": "ExternalMetricValueList", "apiVersion": "external.metrics.k8s.io/v1beta1", "metadata": map[string]any{},
			"items": []any{map[string]any{
				"metricName": request.PathValue("metric"), "metricLabels": map[string]string{},
				"timestamp": time.Now().UTC().Format(time.RFC3339), "value": strconv.FormatInt(figure.Load(), 10),
			}},
		})
	})
	go func() {
		log.Fatal((&http.Server{Addr: ":8080", Handler: tell, ReadHeaderTimeout: patience}).ListenAndServe())
	}()
	secure := &http.Server{
		Addr: ":8443", Handler: ask, ReadHeaderTimeout: patience,
		TLSConfig: &tls.Config{Certificates: []tls.Certificate{certificate()}},
	}
	log.Fatal(secure.ListenAndServeTLS("", ""))
}

func write(answer http.ResponseWriter, value any) {
	answer.Header().Set("content-type", "application/json")
	_ = json.NewEncoder(answer).Encode(value)
}

// Nobody checks it: the APIService says so.
func certificate() tls.Certificate {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		log.Fatal(err)
	}
	template := x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(24 * time.Hour)}
	made, err := x509.CreateCertificate(rand.Reader, &template, &template, &key.PublicKey, key)
	if err != nil {
		log.Fatal(err)
	}
	return tls.Certificate{Certificate: [][]byte{made}, PrivateKey: key}
}
