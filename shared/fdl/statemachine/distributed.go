package statemachine

import (
	"math"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/value"
	"millrace/shared/yamldoc"
)

// distributedFields have an effect in the distributed mode only.
var distributedFields = [...]string{
	"ResultWriter", "ItemReader", "ItemBatcher", "ItemConstructor",
	"MaxItems", "MaxItems.$", "ToleratedFailurePercentage", "ToleratedFailurePercentage.$",
	"ToleratedFailureCount", "ToleratedFailureCount.$",
}

// distributed reads the fields of the distributed mode and returns the mode of the processor's
// states.
func (c *compiler) distributed(n *yamldoc.Node, path *yamldoc.Path, spec *flow.MapSpec,
	mode string) string {
	inner := mode
	if config := n.Get("ProcessorConfig"); config != nil {
		inner = c.processorConfig(config, path.Key("ProcessorConfig"), spec, mode)
	}
	if spec.Distributed != nil && mode == flow.Express {
		c.Warn(n, path, "use a Standard flow, or leave ProcessorConfig out",
			"a distributed Map does not run in an Express flow: the state fails")
	}
	for _, key := range distributedFields {
		v := n.Get(key)
		switch {
		case v == nil:
		case spec.Distributed == nil:
			c.Warn(v, path.Key(key), "set ProcessorConfig.ExecutionMode",
				"has an effect in a distributed Map only")
		}
	}
	d := spec.Distributed
	if d == nil {
		d = &flow.Distribution{} // check the fields all the same
	}
	d.Reader = c.itemReader(n, path)
	d.Writer = c.resultWriter(n, path)
	d.Item = c.constructor(n, path, "ItemConstructor", rootsItem)
	d.Batch = c.batcher(n, path)
	d.ItemsMax = c.number(n, path, "MaxItems", 0, math.MaxInt64)
	d.ToleratedPercentage = c.number(n, path, "ToleratedFailurePercentage", 0, 100)
	d.ToleratedCount = c.number(n, path, "ToleratedFailureCount", 0, math.MaxInt64)
	return inner
}

func (c *compiler) processorConfig(config *yamldoc.Node, path *yamldoc.Path, spec *flow.MapSpec,
	mode string) string {
	if config.Kind != yamldoc.Map {
		c.Error("V23", config, path, "", "must be a mapping, not %s", config.Kind)
		return mode
	}
	c.unknownFields(config, path, []string{"ExecutionMode"})
	m := config.Get("ExecutionMode")
	switch {
	case m == nil:
		return mode
	case m.Kind != yamldoc.String || m.Text != flow.Standard && m.Text != flow.Express:
		c.Error("V23", m, path.Key("ExecutionMode"), c.Suggest(m.Text,
			[]string{flow.Standard, flow.Express}), "must be Standard or Express")
		return mode
	}
	spec.Distributed = &flow.Distribution{Mode: m.Text}
	return m.Text
}

// batcher compiles ItemBatcher. It returns nil if there is none.
func (c *compiler) batcher(n *yamldoc.Node, path *yamldoc.Path) *flow.BatchSpec {
	v, path := n.Get("ItemBatcher"), path.Key("ItemBatcher")
	switch {
	case v == nil:
		return nil
	case v.Kind != yamldoc.Map:
		c.Error("V23", v, path, "", "must be a mapping, not %s", v.Kind)
		return nil
	}
	c.unknownFields(v, path, []string{"MaxItemsPerBatch", "MaxItemsPerBatch.$",
		"MaxInputBytesPerBatch", "MaxInputBytesPerBatch.$", "BatchInput"})
	b := &flow.BatchSpec{
		ItemsMax: c.number(v, path, "MaxItemsPerBatch", 1, math.MaxInt64),
		BytesMax: c.number(v, path, "MaxInputBytesPerBatch", 1, math.MaxInt64),
		Input:    c.constructor(v, path, "BatchInput", rootsInput),
	}
	if b.ItemsMax == nil && b.BytesMax == nil && !c.Failed() {
		c.Error("V23", v, path, "write MaxItemsPerBatch, MaxInputBytesPerBatch, or both",
			"does not say how large a batch is")
	}
	return b
}

// number compiles an integer or its suffixed form. It returns nil if there is neither.
func (c *compiler) number(n *yamldoc.Node, path *yamldoc.Path, key string,
	valueMin, valueMax int64) *expr.Template {
	if e := n.Get(key + suffix); e != nil {
		return c.suffixedExpression(e, path.Key(key+suffix), rootsInput)
	}
	v := n.Get(key)
	if v == nil {
		return nil
	}
	i, ok := v.Int()
	switch {
	case ok && i >= valueMin && i <= valueMax:
		return expr.Constant(value.FromInt(i))
	case valueMax == math.MaxInt64:
		c.Error("V23", v, path.Key(key), "", "must be an integer from %d", valueMin)
	default:
		c.Error("V23", v, path.Key(key), "", "must be an integer from %d to %d", valueMin, valueMax)
	}
	return nil
}
