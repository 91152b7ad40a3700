package interp

import (
	"strconv"
	"strings"

	"millrace/shared/flow"
	"millrace/shared/value"
)

// resultWriter writes the results of the children of a MapRun to files in a bucket, as they end, so
// that neither the row nor a process holds all of them. Results are collected in blocks; when there
// are enough of one outcome, an attempt of the Map's own entry writes them as the next file. The
// names of files are derived, and a file consists of the same blocks however often it is written, so
// a repeated call changes nothing. The last file is the manifest.
type resultWriter struct {
	target *flow.Value // where to write, an object with Bucket, Prefix and Region
	writes int         // attempts so far
	files  [outcomes]outcomeFiles
	// The file that the open attempt writes: its outcome, and how many blocks it has; outcomes: it
	// is the manifest; below 0: no attempt is open.
	writing, writingBlocks int
	done                   bool // the manifest is written
	unknown                []byte
}

// outcomeFiles are the results of one outcome.
type outcomeFiles struct {
	sizes  []int64       // of the files that are written, bytes
	blocks []*flow.Value // results that are in no file, as JSON values with commas between them
	bytes  int           // of blocks
	open   []byte        // the last results, in no block
}

// Outcomes of children. The numbers are part of the row format.
const (
	succeededOutcome = iota
	failedOutcome
	outcomes
)

// outcomeNames begin the names of files.
var outcomeNames = [outcomes]string{"SUCCEEDED", "FAILED"}

// Bounds of results that are not written.
const (
	openBytesMax = 4 << 10  // in the row
	fileBytesMin = 1 << 20  // of a file, but for the last one
	waitBytesMax = 16 << 20 // until no more children are started
)

// writer returns the resultWriter of an open MapRun; nil: the results are those of the state.
func (e *entry) writer() *resultWriter {
	if e.mapRun == nil {
		return nil
	}
	return e.mapRun.writer
}

// newWriter evaluates the ResultWriter of a Map.
func (f *stepper) newWriter(e *entry, spec *flow.WriterSpec) (*resultWriter, error) {
	tree, err := f.build(spec.Parameters, f.env(e, "ResultWriter"))
	if err != nil {
		return nil, err
	}
	w := &resultWriter{writing: -1}
	w.target, err = f.valueWithinDataLimit(tree, "ResultWriter")
	return w, err
}

// add collects the result of a child.
func (w *resultWriter) add(name string, result *flow.Value, err *flow.Error) {
	record, to := map[string]any{"Name": name, "Status": "Succeeded"}, &w.files[succeededOutcome]
	if err != nil {
		record["Status"], record["Error"], record["Cause"] = "Failed", err.Name, err.Cause
		to = &w.files[failedOutcome]
	} else {
		record["Output"] = result.Tree()
	}
	if len(to.open) > 0 {
		to.open = append(to.open, ',')
	}
	if to.open = value.Append(to.open, record); len(to.open) > openBytesMax {
		to.seal()
	}
}

// seal makes a block of the last results.
func (o *outcomeFiles) seal() {
	if len(o.open) == 0 {
		return
	}
	o.blocks = append(o.blocks, flow.TextValue(o.open))
	o.bytes += len(o.open)
	o.open = nil
}

// wantsWrite reports whether a file must be written now.
func (w *resultWriter) wantsWrite(e *entry) bool {
	if e.attempt != nil || w.done {
		return false
	}
	return w.files[succeededOutcome].bytes >= fileBytesMin ||
		w.files[failedOutcome].bytes >= fileBytesMin || e.pending == 0 && e.allRead()
}

// congested reports whether children must wait until results are written.
func (w *resultWriter) congested() bool {
	return w.files[succeededOutcome].bytes+w.files[failedOutcome].bytes >= waitBytesMax
}

// writeFile opens the attempt that writes the next file: one that is large enough, at the end each
// that is left, then the manifest.
func (f *stepper) writeFile(e *entry) error {
	if err := e.loadTarget(); err != nil {
		return err
	}
	w, last := e.writer(), e.pending == 0 && e.allRead()
	w.writing, w.writingBlocks = outcomes, 0
	for i := range w.files {
		o := &w.files[i]
		if last {
			o.seal()
		}
		if o.bytes >= fileBytesMin || last && o.bytes > 0 {
			w.writing = i
			for size := 0; w.writingBlocks < len(o.blocks) && size < fileBytesMin; w.writingBlocks++ {
				size += o.blocks[w.writingBlocks].Len()
			}
			break
		}
	}
	w.writes++
	e.attempt = &attempt{id: e.mapRun.writeAttempt(w.writes), phase: attemptReady,
		started: true, submitted: true} // no event says so
	return nil
}

// loadTarget returns a needError if the writer's target is not loaded.
func (e *entry) loadTarget() error {
	_, err := treeOf(e.writer().target)
	return err
}

// writeAttempt returns the id of the nth attempt that writes results.
func (r *mapRun) writeAttempt(n int) int64 {
	return r.id<<childBits | 3<<(childBits-2) | int64(n)
}

// isWriting reports whether the open attempt of an entry writes results.
func (e *entry) isWriting() bool { return e.writer() != nil && e.writer().writing >= 0 }

// needed returns the values that the open attempt needs.
func (w *resultWriter) needed() []*flow.Value {
	values := []*flow.Value{w.target}
	if w.writing < outcomes {
		values = append(values, w.files[w.writing].blocks[:w.writingBlocks]...)
	}
	return values
}

// fileRequest returns the parameters of the call that writes a file: where, and its text.
func (f *stepper) fileRequest(e *entry) *flow.Value {
	w := e.writer()
	q := map[string]any{}
	if target, ok := w.target.Object(); ok {
		for _, name := range flow.WriterParameters {
			if v, ok := target[name]; ok && name != "Prefix" {
				q[name] = v
			}
		}
	}
	q["Key"] = f.fileKey(e, w.writing, w.nextFile())
	if w.writing == outcomes {
		q["Body"] = string(value.Encode(f.manifest(e)))
		return flow.NewValue(q)
	}
	var text strings.Builder
	text.WriteByte('[')
	for i, b := range w.files[w.writing].blocks[:w.writingBlocks] {
		if i > 0 {
			text.WriteByte(',')
		}
		text.Write(b.Text())
	}
	text.WriteByte(']')
	q["Body"] = text.String()
	return flow.NewValue(q)
}

// nextFile returns the number of the file that is written.
func (w *resultWriter) nextFile() int {
	if w.writing == outcomes {
		return 0
	}
	return len(w.files[w.writing].sizes)
}

// fileKey returns the key of a file.
func (f *stepper) fileKey(e *entry, outcome, number int) string {
	name := "manifest.json"
	if outcome < outcomes {
		name = outcomeNames[outcome] + "_" + strconv.Itoa(number) + ".json"
	}
	prefix := ""
	if target, ok := e.writer().target.Object(); ok {
		prefix, _ = target["Prefix"].(string)
	}
	if prefix != "" && !strings.HasSuffix(prefix, "/") {
		prefix += "/"
	}
	return prefix + f.s.mapRunName(e.mapRun.id) + "/" + name
}

// manifest returns the manifest of all files.
func (f *stepper) manifest(e *entry) map[string]any {
	w, files := e.writer(), map[string]any{"PENDING": []any{}}
	for i := range w.files {
		list := []any{}
		for number, size := range w.files[i].sizes {
			list = append(list, map[string]any{"Key": f.fileKey(e, i, number),
				"Size": value.FromInt(size)})
		}
		files[outcomeNames[i]] = list
	}
	target, _ := w.target.Object()
	return map[string]any{"DestinationBucket": target["Bucket"], "ResultFiles": files,
		"MapRunName": f.s.mapRunName(e.mapRun.id)}
}

// fileWritten applies the result of the call that writes a file. It must not use the machine.
func (f *stepper) fileWritten(e *entry, n *Message) Reply {
	w := e.writer()
	e.attempt = nil
	f.out.Changed = true
	if n.Error != nil {
		f.fail(e, *n.Error)
		return Reply{}
	}
	if w.writing == outcomes {
		w.done = true
	} else {
		o := &w.files[w.writing]
		size := 1 + w.writingBlocks // brackets and commas
		for _, b := range o.blocks[:w.writingBlocks] {
			size += b.Len()
			o.bytes -= b.Len()
		}
		o.sizes = append(o.sizes, int64(size))
		o.blocks = append([]*flow.Value{}, o.blocks[w.writingBlocks:]...)
	}
	w.writing, w.writingBlocks = -1, 0
	f.s.ready = true
	return Reply{}
}

// joinWritten ends a MapRun whose results are written. The result of the state says where.
func (f *stepper) joinWritten(e *entry) error {
	if err := e.loadTarget(); err != nil {
		return err
	}
	target, _ := e.writer().target.Object()
	e.result = flow.NewValue(map[string]any{"MapRunName": f.s.mapRunName(e.mapRun.id),
		"ResultWriterDetails": map[string]any{"Bucket": target["Bucket"],
			"Key": f.fileKey(e, outcomes, 0)}})
	f.closeMapRun(e, MapRunSucceeded)
	e.results, e.items, e.storedItems, e.blocks = nil, nil, nil, nil
	e.phase = finishing
	return nil
}
