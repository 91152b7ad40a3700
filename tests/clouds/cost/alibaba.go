package cost

// yuan divides a price in CNY where no price in dollars was found.
const yuan = 7.1

// The unit of Function Compute, CU, and other units in it.
const (
	computeUnit = 0.000020
	factors     = "alibabacloud.com/help/en/functioncompute, Pay-as-you-go of 2025-01-24: USD " +
		"0.000020 a CU; "
)

// Alibaba has the prices outside China, where a price in dollars was found. The prices of
// TableStore and MNS are the latest ones found, with their dates.
var Alibaba = Cloud{
	Name: "Alibaba Cloud",
	Lines: []Line{
		{"write units", Price{"TableStore", "write capacity units (4 KB), metered", 0.60e-6,
			"no public page with this price was found: taken as twice that of a read unit"}, 1},
		{"read units", Price{"TableStore", "read capacity units (4 KB), metered", 0.30e-6,
			"alibabacloud.com/help/en/tablestore, Billing examples: USD 0.0030 for 10,000, " +
				"high-performance instance, US, list of 2018-08-01 (dated; in Hangzhou CNY 0.01 " +
				"for 10,000 as of 2026-01-08)"}, 1},
		{"MNS", Price{"MNS", "requests", 2.00e-6 / yuan,
			"help.aliyun.com/document_detail/27422.html as quoted in 2016: CNY 2.00 a million " +
				"(dated), at 7.1 a dollar; the page of 2026-03-11 says how requests are counted"},
			1},
		{"events", Price{"EventBridge", "events of an event stream", 0.41e-6,
			"alibabacloud.com/help/en/eventbridge, Billing for event streams of 2025-11-10"}, 1},
		{"FC", Price{"FC", "invocations", 75e-4 * computeUnit, factors + "75 CU for 10,000"}, 1},
		{"vCPU-ms", Price{"FC", "vCPU-seconds, active", 1 * computeUnit, factors + "1 CU each"},
			1000},
		{"GB-ms", Price{"FC", "GB-seconds of memory", 0.15 * computeUnit,
			factors + "0.15 CU each; the first 512 MB of disk are free"}, 1000},
	},
	Rivals: []Price{Step},
	Counted: []string{
		"Write and read units are those of the table and of keeping its indexes, by the rules " +
			"of the service's pages (4 KB a unit; a " +
			"condition reads; an entry that moves is read and written). MNS counts each send, " +
			"and for each batch that EventBridge reads one receive " +
			"and one delete; its empty receives belong to an idle deployment. Function Compute " +
			"counts API and step runner, warm: the time that " +
			"an instance had invocations, times what s.yaml gives it (0.5 vCPU each, 512 MB and " +
			"1 GB), on this machine, against emulators, with " +
			"tasks called synchronously that take 50 to 150 ms each. An instance that runs " +
			"several executions at once is billed once.",
		counted,
	},
}

// Size of the functions as in s.yaml, in vCPU and GB.
const (
	AlibabaAPICPU       = 0.5
	AlibabaAPIMemory    = 0.5
	AlibabaRunnerCPU    = 0.5
	AlibabaRunnerMemory = 1.0
)
