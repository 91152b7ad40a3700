package sim

import (
	"context"
	"encoding/json"
	"fmt"

	"millrace/shared/flow"
	"millrace/shared/flowtest"
	"millrace/shared/interp"
	"millrace/shared/object"
	"millrace/shared/object/memobject"
	"millrace/shared/task"
	"millrace/shared/task/itemtask"
	"millrace/shared/value"
)

// Distributed Maps that read their items from an object of a simulated object store. The calls that
// read blocks hang, get lost and come late like those of tasks. A block has few items, so there are
// many of them. The flow tester says what the Map comes to; besides:
//
//   - "MapRun items": a MapRun that has succeeded has worked on each item of the object once;
//   - "MapRun results": its files of results have the result of each child once, and a file that is
//     written again is the same.

// readerFlow is a flow that reads an object, with further fields of its Map.
const readerFlow = `Type: StateMachine
SpecVersion: v1
Name: reader
StartAt: Read
States:
  - Name: Read
    Type: Map
    ItemReader:
      ReaderConfig: {InputType: JSONL}
      Parameters: {Bucket: b, Key.$: $Context.Execution.Input.key}
    MaxConcurrency: 3
    ToleratedFailureCount: 3
    ProcessorConfig: {ExecutionMode: %s}
    Processor:
      StartAt: First
      States:
        - {Name: First, Type: Choice, Branches: [{Condition: '$Input.%s == 6',
           Next: Broken}], Default: Done}
        - {Name: Broken, Type: Fail, Code: Broken, Detail: on purpose}
        - {Name: Done, Type: Wait, Seconds: 1, End: true}
    %s
    End: true
`

// readerCases are flows with an ItemReader, by how many items there are.
func readerCases() []example {
	var list []example
	for i, c := range []struct {
		mode, number, fields string
		items                int
	}{
		{flow.Standard, "i", "OutputConstructor: {n.$: length($Output.Items)}", 8},
		{flow.Express, "i", "OutputConstructor: {n.$: length($Output.Items)}", 21},
		{flow.Standard, "Items[0].i", "ItemBatcher: {MaxItemsPerBatch: 3}", 11},
		{flow.Express, "i", "MaxItems: 5", 9},
		{flow.Standard, "i", "MaxItems: 20", 0},
		{flow.Express, "i", "ResultWriter: {Parameters: {Bucket: b, Prefix: out}}\n" +
			"    OutputConstructor: {done: true}", 13},
		{flow.Standard, "i", "ResultWriter: {Parameters: {Bucket: b}}\n" +
			"    OutputConstructor: {done: true}", 9},
	} {
		var items flowtest.ItemList
		for n := range c.items {
			items.Items = append(items.Items, map[string]any{"i": value.FromInt(int64(n))})
		}
		input := map[string]any{"key": "k"}
		e := example{name: fmt.Sprintf("reader/%d", i), setup: flowtest.Setup{FlowName: "reader",
			Input: input, Items: map[string]flowtest.ItemList{"Read": items}}}
		e.flow = definition{name: "reader", text: fmt.Sprintf(readerFlow, c.mode, c.number,
			c.fields),
			mode: flow.Standard, input: string(encode(input))}
		list = append(list, e)
	}
	return list
}

// drawReader replaces the example of some worlds by one that reads an object.
func (w *World) drawReader(n *example, which string) *example {
	list := readerCases()
	for i := range list {
		if which == "reader" && int(w.number("reader")%uint64(len(list))) == i ||
			which == list[i].name {
			return &list[i]
		}
	}
	if n != nil && which == "" && w.number("reads an object")%8 == 0 {
		return &list[w.number("reader")%uint64(len(list))]
	}
	return n
}

// readsItems reports whether a call reads a block of items.
func readsItems(r *task.Request) bool { return r.Action == "" }

// writeFile takes a file of results. It returns false for a call that reads items.
func (k *tasks) writeFile(r *task.Request) bool {
	var f struct {
		Key  string
		Body *string
	}
	if err := json.Unmarshal(r.Parameters, &f); err != nil {
		panic(err)
	}
	if f.Body == nil {
		return false
	}
	old, again := k.written[f.Key]
	if again && old != *f.Body {
		k.w.violate("MapRun results", "%s is %s, then %s", f.Key, old, *f.Body)
	}
	k.written[f.Key] = *f.Body
	return true
}

// judgeResults checks the files of a MapRun that has succeeded.
func (w *World) judgeResults(r *run, m *interp.MapRun) {
	prefix := ""
	if r.m.Nodes[r.nodeOf(m)].Map.Distributed.Mode == flow.Express {
		prefix = "out/"
	}
	var files struct {
		ResultFiles map[string][]struct {
			Key  string
			Size int
		}
	}
	text := w.tasks.written[prefix+m.Name+"/manifest.json"]
	if err := json.Unmarshal([]byte(text), &files); err != nil {
		w.violate("MapRun results", "%s: manifest %q: %v", r.x.Partition(), text, err)
		return
	}
	w.checked("MapRun results")
	names := map[string]int{}
	for _, list := range files.ResultFiles {
		for _, f := range list {
			body := w.tasks.written[f.Key]
			var results []struct{ Name string }
			if err := json.Unmarshal([]byte(body), &results); err != nil || len(body) != f.Size {
				w.violate("MapRun results", "%s: %q of %d bytes: %v", f.Key, body, f.Size, err)
			}
			for _, one := range results {
				names[one.Name]++
			}
		}
	}
	for i := range m.Total {
		if n := names[fmt.Sprintf("%s-%d", m.Name, i)]; n != 1 || len(names) != m.Total {
			w.violate("MapRun results", "%s: the result of child %d stands there %d times, of %d",
				r.x.Partition(), i, n, len(names))
			return
		}
	}
}

// readBlock reads a block of the object of an example.
func (k *tasks) readBlock(r *task.Request) task.Result {
	objects := memobject.New("b")
	var lines []byte
	for _, item := range k.w.mocked.Items[r.State].Items {
		lines = append(value.Append(lines, item), '\n')
	}
	if err := objects.Put(always, object.Name{Bucket: "b", Key: "k"}, lines); err != nil {
		panic(err)
	}
	var q map[string]any
	if err := json.Unmarshal(r.Parameters, &q); err != nil {
		panic(err)
	}
	itemsMax, _ := q["ItemsMax"].(float64)
	q["ItemsMax"] = min(int(itemsMax), int(1+k.w.number("items of a block")%4))
	few := *r
	few.Parameters, _ = json.Marshal(q)
	return itemtask.New(itemtask.Options{Objects: objects}).Run(context.WithoutCancel(always), few)
}

// judgeItems checks which items a MapRun that has succeeded has worked on.
func (w *World) judgeItems(r *run, m *interp.MapRun) {
	st := r.m.Nodes[r.nodeOf(m)]
	if st.Map.Distributed.Reader == nil || w.mocked == nil {
		return // or it has read a random object
	}
	if st.Map.Distributed.Writer != nil {
		w.judgeResults(r, m)
	}
	w.checked("MapRun items")
	want := len(w.mocked.Items[st.Name].Items)
	if limit := st.Map.Distributed.ItemsMax; limit != nil {
		v, _ := limit.ConstantValue()
		n, _ := value.Int(v.(value.Number))
		want = min(want, int(n))
	}
	if m.Total != want || m.Succeeded+m.Failed != want {
		w.violate("MapRun items", "%s: %+v of an object of %d items", r.x.Partition(), *m, want)
	}
	if st.Map.Distributed.Mode != flow.Standard {
		return
	}
	seen := map[string]int{}
	for _, c := range w.childrenOf(r, m.Name) {
		for _, item := range w.workOf(c) {
			seen[string(value.Encode(item))]++
		}
	}
	for item, n := range seen {
		if n != 1 {
			w.violate("MapRun items", "%s: %d children work on %s", r.x.Partition(), n, item)
		}
	}
}

// nodeOf returns the node of the Map whose MapRun it is: that of its MapRunStarted event.
func (r *run) nodeOf(m *interp.MapRun) int {
	for i := range r.events {
		if r.events[i].ID == m.ID {
			return r.events[i].Node
		}
	}
	return 0
}
