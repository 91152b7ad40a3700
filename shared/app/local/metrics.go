package local

import (
	"context"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/collectors"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"millrace/shared/engine"
	"millrace/shared/httpclient"
	"millrace/shared/inflight"
	"millrace/shared/rpc/server"
	"millrace/shared/share"
	"millrace/shared/store"
)

// metrics serves the metrics of a process in the text format of Prometheus. They have an address of
// their own because they name accounts, and the clients that may read them differ from those that
// may call the API.
type metrics struct{ server *http.Server }

// serveMetrics listens on address. With "" it serves nothing.
func serveMetrics(address string, collected ...prometheus.Collector) (*metrics, error) {
	if address == "" {
		return &metrics{}, nil
	}
	listener, err := httpclient.Listen("tcp", address)
	if err != nil {
		return nil, listenError("Metrics", address, err)
	}
	registry := prometheus.NewRegistry()
	registry.MustRegister(collectors.NewGoCollector(),
		collectors.NewProcessCollector(collectors.ProcessCollectorOpts{}))
	registry.MustRegister(collected...)
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(registry,
		promhttp.HandlerOpts{MaxRequestsInFlight: 4}))
	m := &metrics{&http.Server{Handler: mux, ReadTimeout: 5 * time.Second,
		WriteTimeout: 30 * time.Second, MaxHeaderBytes: 8 << 10}}
	go m.server.Serve(listener)
	return m, nil
}

func (m *metrics) close(ctx context.Context) {
	if m.server != nil {
		m.server.Shutdown(ctx)
	}
}

// requestCollector collects the bytes that requests hold, and the rejections before a caller was
// known.
type requestCollector struct {
	bytes      *inflight.Budget
	rejections *server.Rejections
}

var (
	requestCapacity = prometheus.NewDesc("millrace_request_bytes_capacity",
		"How many bytes of requests the process may hold.", nil, nil)
	requestHeld = prometheus.NewDesc("millrace_request_bytes_held",
		"How many bytes of requests it holds.", nil, nil)
	requestRefused = prometheus.NewDesc("millrace_requests_refused_total",
		"Requests and connections that were rejected before their callers were known.",
		[]string{"reason"}, nil)
)

func (c requestCollector) Describe(to chan<- *prometheus.Desc) {
	to <- requestCapacity
	to <- requestHeld
	to <- requestRefused
}

func (c requestCollector) Collect(to chan<- prometheus.Metric) {
	to <- prometheus.MustNewConstMetric(requestCapacity, prometheus.GaugeValue,
		float64(c.bytes.Capacity()))
	to <- prometheus.MustNewConstMetric(requestHeld, prometheus.GaugeValue, float64(c.bytes.Held()))
	for reason, n := range c.rejections.Counts() {
		to <- prometheus.MustNewConstMetric(requestRefused, prometheus.CounterValue, float64(n),
			reason)
	}
}

// scheduleCollector counts the planned times of schedules by their outcome.
type scheduleCollector struct{ engine *engine.Engine }

var schedulePlanned = prometheus.NewDesc("millrace_schedule_times_total",
	"Planned times of schedules: started, skipped because a later time had come or they were too "+
		"long past, rejected because their execution could not be started.",
	[]string{"outcome"}, nil)

func (c scheduleCollector) Describe(to chan<- *prometheus.Desc) { to <- schedulePlanned }

func (c scheduleCollector) Collect(to chan<- prometheus.Metric) {
	counts := c.engine.ScheduleCounts()
	for outcome, n := range map[string]int64{"started": counts.Started,
		"skipped": counts.Skipped, "rejected": counts.Rejected} {
		to <- prometheus.MustNewConstMetric(schedulePlanned, prometheus.CounterValue, float64(n),
			outcome)
	}
}

// shareCollector collects what each account holds of each share.
type shareCollector struct {
	pools []*share.Pool
	usage *store.DiskUse
}

var (
	shareCapacity = prometheus.NewDesc("millrace_share_capacity",
		"How much the process has of a resource.", []string{"resource"}, nil)
	shareHeld = prometheus.NewDesc("millrace_share_held",
		"How much of it an account holds.", []string{"resource", "account"}, nil)
	shareWaiting = prometheus.NewDesc("millrace_share_waiting",
		"Requests and calls of an account that wait for it.", []string{"resource", "account"}, nil)
	storedBytes = prometheus.NewDesc("millrace_stored_bytes",
		"About how many bytes of the disk the data of an account uses.", []string{"account"}, nil)
	shareRefused = prometheus.NewDesc("millrace_share_refused_total",
		"Requests of an account that were rejected because its share was used up.",
		[]string{"resource", "account"}, nil)
)

func (c shareCollector) Describe(to chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{shareCapacity, shareHeld, shareWaiting, shareRefused,
		storedBytes} {
		to <- d
	}
}

func (c shareCollector) Collect(to chan<- prometheus.Metric) {
	gauge := func(d *prometheus.Desc, kind prometheus.ValueType, v int64, labels ...string) {
		to <- prometheus.MustNewConstMetric(d, kind, float64(v), labels...)
	}
	for account, n := range c.usage.Bytes() {
		gauge(storedBytes, prometheus.GaugeValue, n, account)
	}
	for _, p := range c.pools {
		gauge(shareCapacity, prometheus.GaugeValue, p.Capacity, p.Name)
		for _, u := range p.Usage() {
			gauge(shareHeld, prometheus.GaugeValue, u.Held, p.Name, u.Account)
			gauge(shareWaiting, prometheus.GaugeValue, int64(u.Waiting), p.Name, u.Account)
			gauge(shareRefused, prometheus.CounterValue, u.Rejected, p.Name, u.Account)
		}
	}
}
