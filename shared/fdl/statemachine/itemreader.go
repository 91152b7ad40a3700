package statemachine

import (
	"math"
	"slices"

	"millrace/shared/expr"
	"millrace/shared/flow"
	"millrace/shared/yamldoc"
)

// What ReaderConfig may say. These members are those of the Amazon States Language, because
// CloudFlow does not publish its own.
var (
	inputTypes      = []string{"CSV", "JSON", "JSONL", "MANIFEST"}
	headerLocations = []string{"FIRST_ROW", "GIVEN"}
	csvDelimiters   = []string{"COMMA", "PIPE", "SEMICOLON", "SPACE", "TAB"}
)

// itemReader compiles ItemReader. It returns nil if there is none.
func (c *compiler) itemReader(n *yamldoc.Node, path *yamldoc.Path) *flow.ReaderSpec {
	v, at := n.Get("ItemReader"), path.Key("ItemReader")
	switch {
	case v == nil:
		return nil
	case v.Kind != yamldoc.Map:
		c.Error("V23", v, at, "", "must be a mapping, not %s", v.Kind)
		return nil
	}
	if items := n.Get("ItemsPath"); items != nil {
		c.Error("V23", items, path.Key("ItemsPath"), "keep one of the two",
			"the items come from ItemsPath or from ItemReader, not from both")
	}
	c.unknownFields(v, at, []string{"Parameters", "ReaderConfig"})
	spec := &flow.ReaderSpec{Config: map[string]any{}}
	hasKey := c.readerParameters(v, at, spec)
	c.readerConfig(v.Get("ReaderConfig"), at.Key("ReaderConfig"), spec, hasKey)
	return spec
}

// resultWriter compiles ResultWriter. It returns nil if there is none.
func (c *compiler) resultWriter(n *yamldoc.Node, path *yamldoc.Path) *flow.WriterSpec {
	v, at := n.Get("ResultWriter"), path.Key("ResultWriter")
	switch {
	case v == nil:
		return nil
	case v.Kind != yamldoc.Map:
		c.Error("V23", v, at, "", "must be a mapping, not %s", v.Kind)
		return nil
	}
	c.unknownFields(v, at, []string{"Parameters"})
	return &flow.WriterSpec{Parameters: c.bucketParameters(v, at, flow.WriterParameters[:])}
}

// readerParameters compiles the Parameters of an ItemReader, and reports whether they name an object.
func (c *compiler) readerParameters(
	reader *yamldoc.Node, path *yamldoc.Path, spec *flow.ReaderSpec,
) (hasKey bool) {
	spec.Parameters = c.bucketParameters(reader, path, flow.ReaderParameters[:])
	v, at := reader.Get("Parameters"), path.Key("Parameters")
	if v == nil || v.Kind != yamldoc.Map {
		return false
	}
	has := func(name string) bool { return v.Get(name) != nil || v.Get(name+suffix) != nil }
	if has("Key") && has("Prefix") {
		c.Error("V23", v, at, "Key names one object, Prefix the objects to list",
			"has both Key and Prefix")
	}
	return has("Key")
}

// bucketParameters compiles Parameters that name a bucket, and objects in it.
func (c *compiler) bucketParameters(
	n *yamldoc.Node, path *yamldoc.Path, names []string,
) *expr.Template {
	v, at := n.Get("Parameters"), path.Key("Parameters")
	if v == nil || v.Kind != yamldoc.Map {
		c.Error("V23", n, at, "write Bucket, and what of it", "must be a mapping that names a bucket")
		return expr.Constant(map[string]any{})
	}
	var known []string
	for _, name := range names {
		known = append(known, name, name+suffix)
		if one := v.Get(name); one != nil && (one.Kind != yamldoc.String || one.Text == "") &&
			name != "Prefix" {
			c.Error("V23", one, at.Key(name), "", "must be a text")
		}
	}
	c.unknownFields(v, at, known)
	if v.Get("Bucket") == nil && v.Get("Bucket"+suffix) == nil {
		c.Error("V23", v, at.Key("Bucket"), "", "is missing")
	}
	return c.template(v, at, rootsInput)
}

// readerConfig compiles ReaderConfig.
func (c *compiler) readerConfig(
	v *yamldoc.Node, path *yamldoc.Path, spec *flow.ReaderSpec, hasKey bool,
) {
	if v == nil {
		v = &yamldoc.Node{Kind: yamldoc.Map}
	} else if v.Kind != yamldoc.Map {
		c.Error("V23", v, path, "", "must be a mapping, not %s", v.Kind)
		return
	}
	c.unknownFields(v, path, []string{"InputType", "CSVHeaderLocation", "CSVHeaders",
		"CSVDelimiter", "MaxItems", "MaxItems.$"})
	spec.ItemsMax = c.number(v, path, "MaxItems", 0, math.MaxInt64)
	inputType := c.word(v, path, spec, "InputType", inputTypes)
	switch {
	case hasKey && v.Get("InputType") == nil:
		c.Error("V23", v, path.Key("InputType"), "write CSV, JSON, JSONL or MANIFEST",
			"must say what the object holds")
	case !hasKey && v.Get("InputType") != nil:
		c.Error("V23", v.Get("InputType"), path.Key("InputType"),
			"write Parameters.Key, or leave InputType out to read the listing of the bucket",
			"is for an object, and no Key names one")
	}
	location := c.word(v, path, spec, "CSVHeaderLocation", headerLocations)
	c.word(v, path, spec, "CSVDelimiter", csvDelimiters)
	headers := v.Get("CSVHeaders")
	if headers != nil {
		c.csvHeaders(headers, path.Key("CSVHeaders"), spec)
	}
	if (headers != nil) != (location == "GIVEN") {
		at := headers
		if at == nil {
			at = v.Get("CSVHeaderLocation")
		}
		c.Error("V23", at, path.Key("CSVHeaders"), "",
			"CSVHeaders and CSVHeaderLocation: GIVEN go together")
	}
	for _, name := range []string{"CSVHeaderLocation", "CSVHeaders", "CSVDelimiter"} {
		if one := v.Get(name); one != nil && inputType != "CSV" {
			c.Warn(one, path.Key(name), "", "has an effect with InputType CSV only")
		}
	}
}

// word compiles a member that is one of several words, and returns it; "" if there is none.
func (c *compiler) word(v *yamldoc.Node, path *yamldoc.Path, spec *flow.ReaderSpec, name string,
	words []string) string {
	one := v.Get(name)
	if one == nil {
		return ""
	}
	if one.Kind != yamldoc.String || !slices.Contains(words, one.Text) {
		c.Error("V23", one, path.Key(name), c.Suggest(one.Text, words), "must be one of %v", words)
		return ""
	}
	spec.Config[name] = one.Text
	return one.Text
}

func (c *compiler) csvHeaders(v *yamldoc.Node, path *yamldoc.Path, spec *flow.ReaderSpec) {
	headers, seen := []any{}, map[string]bool{}
	for i, item := range v.Items {
		switch {
		case item.Kind != yamldoc.String || item.Text == "":
			c.Error("V23", item, path.Item(i, ""), "", "must be a text")
		case seen[item.Text]:
			c.Error("V23", item, path.Item(i, ""), "", "%s occurs twice", item.Text)
		}
		seen[item.Text] = true
		headers = append(headers, item.Text)
	}
	if v.Kind != yamldoc.List || len(headers) == 0 {
		c.Error("V23", v, path, "", "must be a list of texts")
	}
	spec.Config["CSVHeaders"] = headers
}
