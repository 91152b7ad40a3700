package main

import (
	"bytes"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// monitorStandIn is a stand-in for CloudMonitor. It checks signatures and parameters, and keeps
// rules.
type monitorStandIn struct {
	t       *testing.T
	mu      sync.Mutex
	rules   map[string]url.Values
	changes int
	groups  []string // contact groups
}

func newMonitorStandIn(t *testing.T) *monitorStandIn {
	return &monitorStandIn{
		t:      t,
		rules:  map[string]url.Values{},
		groups: []string{defaultContacts, "ops"},
	}
}

// ServeHTTP implements http.Handler.
func (s *monitorStandIn) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if want := signatureOf(r, "test"); !strings.HasSuffix(r.Header.Get("Authorization"),
		"Signature="+want) {
		s.t.Errorf("%s is signed %q, want %s", r.Header.Get("X-Acs-Action"),
			r.Header.Get("Authorization"), want)
	}
	if r.Method != http.MethodPost || r.Header.Get("X-Acs-Version") != "2019-01-01" ||
		r.Header.Get("X-Acs-Security-Token") != "token" {
		s.t.Errorf("%s with %v", r.Method, r.Header)
	}
	respond := func(v map[string]any) {
		v["RequestId"] = "r"
		json.NewEncoder(w).Encode(v)
	}
	q := r.URL.Query()
	switch r.Header.Get("X-Acs-Action") {
	case "DescribeMetricRuleList":
		list := []any{}
		for id := range strings.SplitSeq(q.Get("RuleIds"), ",") {
			if rule := s.rules[id]; rule != nil {
				list = append(list, ruleFromQuery(rule))
			}
		}
		respond(map[string]any{
			"Success": true,
			"Code":    200,
			"Total":   strconv.Itoa(len(list)),
			"Alarms":  map[string]any{"Alarm": list},
		})
	case "PutResourceMetricRule":
		if wrong := wrongParameters(q); wrong != "" {
			s.t.Errorf("%s: %v", wrong, q)
		}
		if !slices.Contains(s.groups, q.Get("ContactGroups")) {
			respond(map[string]any{
				"Success": false,
				"Code":    "ResourceNotFound",
				"Message": "The specified resource is not found.",
			})
			return
		}
		s.changes++
		s.rules[q.Get("RuleId")] = q
		respond(map[string]any{"Success": true, "Code": "200"})
	default:
		s.t.Errorf("CloudMonitor has no %s", r.Header.Get("X-Acs-Action"))
	}
}

// ruleFromQuery returns a rule as the service describes it: some numbers are texts, and some texts
// numbers.
func ruleFromQuery(q url.Values) map[string]any {
	times, _ := strconv.Atoi(q.Get("Escalations.Critical.Times"))
	return map[string]any{
		"RuleId":        q.Get("RuleId"),
		"RuleName":      q.Get("RuleName"),
		"Namespace":     q.Get("Namespace"),
		"MetricName":    q.Get("MetricName"),
		"Resources":     q.Get("Resources"),
		"ContactGroups": q.Get("ContactGroups"),
		"Period":        q.Get("Period"),
		"NoDataPolicy":  q.Get("NoDataPolicy"),
		"EnableState":   true,
		"SilenceTime":   86400,
		"Escalations": map[string]any{
			"Warn": map[string]any{},
			"Info": map[string]any{},
			"Critical": map[string]any{
				"Statistics":         q.Get("Escalations.Critical.Statistics"),
				"ComparisonOperator": q.Get("Escalations.Critical.ComparisonOperator"),
				"Threshold":          q.Get("Escalations.Critical.Threshold"),
				"Times":              times,
			},
		},
	}
}

// metrics are the existing metrics, with the statistics and the dimensions of each.
var metrics = map[string]struct {
	statistics []string
	dimensions string
	period     int
}{
	"acs_mns_new/ActiveMessages": {[]string{"Maximum", "Minimum", "Average"},
		"queue,region,userId", 300},
	"acs_fc/FunctionFunctionErrors":       {[]string{"Value"}, "functionName,region", 60},
	"acs_fc/FunctionServerErrors":         {[]string{"Value"}, "functionName,region", 60},
	"acs_fc/FunctionConcurrencyThrottles": {[]string{"Value"}, "functionName,region", 60},
	"acs_fc/FunctionResourceThrottles":    {[]string{"Value"}, "functionName,region", 60},
	"acs_fc/FunctionHTTPStatus5xx":        {[]string{"Value"}, "functionName,region", 60},
	"acs_fc/FunctionTotalInvocations":     {[]string{"Value"}, "functionName,region", 60},
}

// wrongParameters returns what the service would reject.
func wrongParameters(q url.Values) string {
	metric, known := metrics[q.Get("Namespace")+"/"+q.Get("MetricName")]
	var list []map[string]string
	if err := json.Unmarshal([]byte(q.Get("Resources")), &list); err != nil || len(list) != 1 {
		return "Resources is no list"
	}
	var names []string
	for name, value := range list[0] {
		names = append(names, name)
		if value == "" {
			return "empty " + name
		}
	}
	slices.Sort(names)
	period, err := strconv.Atoi(q.Get("Period"))
	_, err2 := strconv.Atoi(q.Get("Escalations.Critical.Threshold"))
	times, err3 := strconv.Atoi(q.Get("Escalations.Critical.Times"))
	switch {
	case !known:
		return "no such metric"
	case strings.Join(names, ",") != metric.dimensions:
		return "dimensions " + strings.Join(names, ",")
	case !slices.Contains(metric.statistics, q.Get("Escalations.Critical.Statistics")):
		return "no such statistic"
	case err != nil || period%metric.period != 0 || q.Get("Interval") != q.Get("Period"):
		return "bad period"
	case err2 != nil || err3 != nil || times < 1:
		return "bad threshold"
	case !slices.Contains([]string{moreThan, atLeast, atMost},
		q.Get("Escalations.Critical.ComparisonOperator")):
		return "no such operator"
	case !slices.Contains([]string{"KEEP_LAST_STATE", "INSUFFICIENT_DATA", "OK"},
		q.Get("NoDataPolicy")):
		return "no such policy"
	case q.Get("RuleId") == "" || q.Get("RuleName") == "" || q.Get("ContactGroups") == "":
		return "something is missing"
	}
	return ""
}

// signatureOf returns the signature (ACS3-HMAC-SHA256) of a request without a body. It does not use
// the product's code.
func signatureOf(r *http.Request, secret string) string {
	_, rest, _ := strings.Cut(r.Header.Get("Authorization"), "SignedHeaders=")
	signed, _, _ := strings.Cut(rest, ",")
	var pairs []string
	for name, values := range r.URL.Query() {
		for _, v := range values {
			pairs = append(pairs, percent(name)+"="+percent(v))
		}
	}
	slices.Sort(pairs)
	text := r.Method + "\n" + r.URL.EscapedPath() + "\n" + strings.Join(pairs, "&") + "\n"
	for name := range strings.SplitSeq(signed, ";") {
		value := r.Header.Get(name)
		if name == "host" {
			value = r.Host
		}
		text += name + ":" + strings.TrimSpace(value) + "\n"
	}
	text += "\n" + signed + "\n" + r.Header.Get("X-Acs-Content-Sha256")
	hash := sha256.Sum256([]byte(text))
	mac := hmac.New(sha256.New, []byte(secret))
	mac.Write([]byte("ACS3-HMAC-SHA256\n" + hex.EncodeToString(hash[:])))
	return hex.EncodeToString(mac.Sum(nil))
}

func percent(s string) string {
	return strings.NewReplacer("+", "%20", "*", "%2A", "%7E", "~").Replace(url.QueryEscape(s))
}

// TestAlarms: alarms are created once, corrected if they differ, and otherwise not changed.
func TestAlarms(t *testing.T) {
	w := newHarness(t)
	only := []string{"-only", "alarms"}
	lines := w.run(t, append(only, "-dry-run")...)
	if w.monitor.changes != 0 || !strings.HasPrefix(lines[0],
		"+ alarm millrace-dead-letters (to be created)") {
		t.Fatalf("a dry run: %d changes\n%s", w.monitor.changes, strings.Join(lines, "\n"))
	}
	w.run(t, only...)
	if n := w.monitor.changes; n != len(lines)-1 || len(w.monitor.rules) != n {
		t.Errorf("%d changes, %d rules, %d planned", n, len(w.monitor.rules), len(lines)-1)
	}
	dead := w.monitor.rules["millrace-cn-hangzhou-dead-letters"]
	if dead.Get("Resources") != `[{"queue":"millrace-dead-letters","region":"cn-hangzhou",`+
		`"userId":"`+account+`"}]` || dead.Get("ContactGroups") != defaultContacts {
		t.Errorf("%v", dead)
	}
	if again := w.run(t, only...); signs(again) != "=" || w.monitor.changes != len(lines)-1 {
		t.Errorf("again: %s", strings.Join(again, "\n"))
	}
	dead.Set("Escalations.Critical.Threshold", "100")
	w.monitor.rules["millrace-cn-hangzhou-sweeper-silent"].Set("NoDataPolicy", "OK")
	changed := w.run(t, only...)
	if !slices.Contains(changed, "~ alarm millrace-dead-letters (changed: condition)") ||
		!slices.Contains(changed, "~ alarm millrace-sweeper-silent (changed: no data)") ||
		w.monitor.changes != len(lines)+1 {
		t.Errorf("%d changes: %s", w.monitor.changes, strings.Join(changed, "\n"))
	}
	if lines := w.run(t, append(only, "-alarm-contacts", "ops")...); signs(lines) != "~" ||
		w.monitor.rules["millrace-cn-hangzhou-queue-age"].Get("ContactGroups") != "ops" {
		t.Errorf("other contacts: %s", strings.Join(lines, "\n"))
	}
}

// TestAlarmContacts: the error names a missing contact group, even though the service responds with
// a status of success.
func TestAlarmContacts(t *testing.T) {
	w := newHarness(t)
	err := run(t.Context(), append(w.args, "-only", "alarms", "-alarm-contacts", "nobody"),
		environment, new(bytes.Buffer))
	if err == nil || !strings.Contains(err.Error(), "ResourceNotFound") ||
		!strings.Contains(err.Error(), `"nobody"`) {
		t.Errorf("%v", err)
	}
	if err := run(t.Context(), append(w.args, "-alarm-contacts", " "), environment,
		new(bytes.Buffer)); err == nil || !strings.Contains(err.Error(), "-alarm-contacts") {
		t.Errorf("%v", err)
	}
}

// TestRuleOfAnAnswer: values of a response may be texts or numbers.
func TestRuleOfAnAnswer(t *testing.T) {
	var r rule
	if err := json.Unmarshal([]byte(`{"RuleId":"x","Resources":"[{\"queue\":\"q\"}]",`+
		`"Period":60,"Escalations":{"Critical":{"Threshold":1,"Times":"3"}}}`), &r); err != nil {
		t.Fatal(err)
	}
	if r.Period != "60" || r.Resources[0]["queue"] != "q" ||
		r.Escalations.Critical.Threshold != "1" || r.Escalations.Critical.Times != "3" {
		t.Errorf("%+v", r)
	}
	if err := json.Unmarshal([]byte(`{"Resources":"no list"}`), &r); err == nil {
		t.Error("nonsense is read")
	}
	if err := json.Unmarshal([]byte(`{"Resources":""}`), &r); err != nil {
		t.Error(err)
	}
}
