package clouds_test

import (
	"encoding/base64"
	"encoding/json"
	"strings"
	"testing"

	"github.com/aliyun/aliyun-tablestore-go-sdk/tablestore"

	"millrace/shared/rpc/client"
	"millrace/shared/store/driver"
	"millrace/shared/store/otsstore"
	"millrace/tests/clouds"
	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/mns"
	emulator "millrace/tests/clouds/emulators/alibaba/tablestore"
	"millrace/tests/clouds/fc"
)

// onFC is a deployment on Alibaba Cloud.
type onFC struct {
	*fc.Stack
	front string
}

const fcRules = "[{bucket: my-bucket, prefix: in/, flow: imported, account: '" + clouds.Account +
	"'}, " +
	"{bucket: my-bucket, by: notices, prefix: in/, flow: imported, account: '" + clouds.Account +
	"'}, {queue: wf-steps, flow: imported, account: '" + clouds.Account +
	"'}, {timer: sweep, flow: imported, account: '" + clouds.Account + "'}]"

func deployCustom(t *testing.T, o options) deployment  { return deployFC(t, o, harness.Custom) }
func deployBuiltIn(t *testing.T, o options) deployment { return deployFC(t, o, harness.BuiltIn) }

func deployFC(t *testing.T, o options, r harness.Runtime) deployment {
	fo := fc.Options{Runtime: r, Env: o.env, Credentials: o.credentials, APIs: o.apis, Skip: o.skip,
		Busy: o.busy, Race: !o.deployed, OtherCheckout: o.otherCheckout}
	if o.limited { // s.yaml; a step runner has twice as much there
		fo.Function = func(f *harness.Function) {
			f.Memory, f.Before = 512, clouds.Within(512)
			if r == harness.Custom {
				f.Concurrency = map[string]int{"api": 50, "steprunner": 10}[f.Name]
			}
		}
	}
	return &onFC{fc.Deploy(t, fo), "http-trigger"}
}

func (p *onFC) setWrites(f func(write) faultKind) {
	if f == nil {
		p.Store.SetFault(nil)
		return
	}
	p.Store.SetFault(func(r emulator.Request) emulator.Fault {
		if !r.Writes() || r.Op == "DeleteRow" {
			return emulator.Fault{}
		}
		switch f(write{r.Body, p.FromStepRunner(r)}) {
		case dropped:
			return emulator.Fault{Drop: true}
		case lost:
			return emulator.Fault{Lose: true}
		case throttled:
			return emulator.Fault{Refuse: emulator.ServerBusy}
		}
		return emulator.Fault{}
	})
}

func (p *onFC) setSends(f func() faultKind) {
	if f == nil {
		p.MNS.SetHook(nil)
		return
	}
	p.MNS.SetHook(func(c mns.Call) mns.Fault {
		if !strings.HasSuffix(c.Op, "SendMessage") {
			return mns.None
		}
		return [...]mns.Fault{passes: mns.None, dropped: mns.LoseCall, lost: mns.LoseAnswer,
			throttled: mns.Throttle}[f()]
	})
}

func (p *onFC) disturb(twice, late, lost float64) {
	p.MNS.SetFaults(mns.Faults{Seed: 1, Duplicate: twice, Reorder: late, Lose: lost})
}

func (p *onFC) flows(t testing.TB) *clouds.Flows {
	return &clouds.Flows{T: t, Client: p.Client, Watcher: p.Watcher}
}

func (p *onFC) peaks() (api, runner memoryUse) {
	of := func(f *harness.Function) memoryUse {
		pids := f.PIDs()
		return memoryUse{f.Memory, clouds.Peak(pids), int(f.ColdStarts()) - len(pids)}
	}
	return of(p.API), of(p.StepRunner)
}

func (p *onFC) rows() driver.Driver                   { return p.Rows }
func (p *onFC) clock() *clouds.Clock                  { return p.Clock }
func (p *onFC) apis() int64                           { return p.API.ColdStarts() }
func (p *onFC) runs() int64                           { return p.StepRunner.Invocations() }
func (p *onFC) kill()                                 { p.StepRunner.Kill() }
func (p *onFC) sweep()                                { p.Sweep() }
func (p *onFC) send(body string)                      { p.Send(body) }
func (p *onFC) deadLettersMalformed() bool            { return false }
func (p *onFC) fronts() []string                      { return []string{p.front} }
func (p *onFC) address(string) string                 { return p.Trigger }
func (p *onFC) connect(_, sign string) *client.Client { return p.Connect(sign) }
func (p *onFC) waiting() int {
	active, inactive, _ := p.MNS.Counts("millrace")
	return active + inactive
}
func (p *onFC) deadLetters() int { engine, _ := p.DeadLetters(); return len(engine) }
func (p *onFC) function(t *testing.T, name string, env ...string) invoked {
	return p.On(t).Function(name, 1, env...)
}

// starts returns the sources of events. Events of OSS come asynchronously; so do, here, those of
// queues, topics and timers.
func (p *onFC) starts() starts {
	notice := string(recorded(p.T, "fc-oss-mns"))
	return starts{
		events: map[string]string{"OSS": string(recorded(p.T, "fc-oss-trigger")),
			"EventBridge":         string(recorded(p.T, "fc-oss-eventbridge")),
			"OSS through a queue": messageEvent(notice),
			"OSS through a queue, base64": messageEvent(
				base64.StdEncoding.EncodeToString([]byte(notice))),
			"a message":       string(recorded(p.T, "fc-mns-queue-event-driven")),
			"a batch with it": string(recorded(p.T, "fc-mns-queue-streaming")),
			"a timer":         string(recorded(p.T, "fc-timer"))},
		names:       4,
		deliver:     p.Event,
		idle:        p.Starter.Idle,
		deadLetters: func() int { _, events := p.DeadLetters(); return len(events) },
	}
}

// messageEvent returns a batch of one message with a body, in the form of an event stream.
func messageEvent(body string) string {
	text, err := json.Marshal([]any{map[string]any{"id": "e1", "specversion": "1.0",
		"type": "mns:Queue:SendMessage", "subject": "acs:mns:cn-hangzhou:1:queues/notices",
		"data": map[string]string{"messageId": "m1", "messageBody": body}}})
	if err != nil {
		panic(err) // only texts
	}
	return string(text)
}

func (p *onFC) event(kind string) []byte {
	switch kind {
	case "request":
		return recorded(p.T, "fc3-http-trigger")
	case "batch":
		return []byte(messageEvent(`{"v":1,"p":"x#f#e"}`))
	case "object":
		return recorded(p.T, "fc-oss-trigger")
	}
	return recorded(p.T, "fc-timer")
}

// wrong returns wrong environments, and tables that differ from those that the command in infra
// creates.
func (p *onFC) wrong(t *testing.T) []wrong {
	at := func(instance, table string) string { return p.StoreURL(instance, table) }
	good := emulator.DefaultInstance
	bare := p.badTable(t, "bare", func(r *tablestore.CreateTableRequest) { r.IndexMetas = nil })
	keys := p.badTable(t, "keys", func(r *tablestore.CreateTableRequest) {
		r.TableMeta = &tablestore.TableMeta{TableName: "keys"}
		r.TableMeta.AddPrimaryKeyColumn("id", tablestore.PrimaryKeyType_STRING)
		r.IndexMetas = nil
	})
	return []wrong{
		{"api", "STORE_URL=", "request",
			"STORE_URL must be dynamodb://<table> or tablestore://<instance>/<table>"},
		{"api", "STORE_URL=tablestore://", "request",
			"STORE_URL must be tablestore://<instance>/<table>"},
		{"api", "QUEUE_URL=nowhere", "request", "QUEUE_URL"},
		{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, lambda: b}]}", "batch",
			"for functions of AWS"},
		{"steprunner", "MILLRACE_FUNCTIONS={functions: [{match: a, fc: 'b c'}]}", "batch",
			"function 1"},
		{"steprunner", "MILLRACE_DISPATCH=sometimes", "batch", "must be async or direct"},
		{"sweeper", at(good, "missing"), "tick",
			"there is no such table or index; create the tables"},
		{"sweeper", at("another", "state"), "tick",
			"there is no such instance at this endpoint; create it, or correct its name or the " +
				"region in the endpoint"},
		{"sweeper", "STORE_URL=tablestore://millrace/state?endpoint=http://127.0.0.1:9", "tick",
			"nothing answers at the endpoint"},
		{"sweeper", at(good, bare), "tick", "there is no such table or index; create the tables"},
		{"starter", at(good, keys), "object", "the table's"},
	}
}

// badTable creates a table with a wrong schema.
func (p *onFC) badTable(t *testing.T, name string,
	change func(*tablestore.CreateTableRequest)) string {
	schema := otsstore.Schema(name)
	change(schema)
	c := tablestore.NewClientWithConfig("http://store", emulator.DefaultInstance,
		emulator.DefaultKey.ID, emulator.DefaultKey.Secret, "", &tablestore.TableStoreConfig{
			Transport: p.Store})
	if _, err := c.CreateTable(schema); err != nil {
		t.Fatal(err)
	}
	return name
}
