package flowgen

import "millrace/shared/flow"

// flowV1 returns a flow of the dialect FlowV1.
func (g *generator) flowV1() object {
	out := object{"version": "v1", "type": "flow", "steps": g.steps(0)}
	if g.chance(6) {
		out["timeoutSeconds"] = 1 + g.rand.IntN(40)
	}
	if g.chance(3) {
		out["outputMappings"] = g.mappings("$input.n", "$local", "$context.execution.name")
	}
	return out
}

func (g *generator) steps(depth int) []any {
	names := make([]string, g.length())
	for i := range names {
		names[i] = g.name()
	}
	var steps []any
	for i, name := range names {
		steps = append(steps, g.step(name, names, i, depth))
	}
	return steps
}

// mappings returns mappings that preserve members of the input and add one or two random ones.
func (g *generator) mappings(sources ...any) []any {
	out := []any{object{"target": "items", "source": "$input.items"},
		object{"target": "n", "source": "$input.n"}}
	for range 1 + g.rand.IntN(2) {
		out = append(out, object{"target": pick(g, "a", "b", "s"),
			"source": pick(g, append(sources, "text", 7, object{"k": "v"}, g.text())...)})
	}
	return out
}

func (g *generator) step(name string, names []string, i, depth int) object {
	kinds := []string{"pass", "pass", "task", "task", "task", "wait", "succeed", "fail"}
	if depth < 3 && g.remaining > 0 {
		kinds = append(kinds, "choice", "choice", "parallel", "parallel", "foreach", "foreach",
			"foreach")
	}
	kind := pick(g, kinds...)
	if kind == "fail" && g.chance(2) || kind == "succeed" && i < len(names)-1 {
		kind = "pass"
	}
	st := object{"type": kind, "name": name}
	if g.chance(2) {
		st["inputMappings"] = g.mappings("$local", "$.s", "$context.step.eventId",
			"$context.execution.name", "$input.s")
	}
	if kind != "fail" && !g.chance(3) {
		st["outputMappings"] = g.mappings("$local", "$input.s", "$context.flow.name", "$local[*].n")
	}
	switch kind {
	case "wait":
		st["duration"] = g.rand.IntN(4)
		if g.chance(3) {
			st["duration"] = "$.n"
		}
	case "fail":
		st["error"], st["cause"] = pick(g, errorNames...), g.text()
		return st
	case "choice":
		g.choiceV1(st, names, i, depth)
	case "parallel":
		var branches []any
		for range 1 + g.rand.IntN(3) {
			branches = append(branches, object{"steps": g.steps(depth + 1)})
		}
		st["branches"] = branches
	case "foreach":
		st["iterationMapping"] = object{"collection": "$.items", "item": "item", "index": "i"}
		st["steps"] = g.steps(depth + 1)
	case "task":
		g.taskV1(st, names, i)
	}
	if kind != "succeed" && g.chance(8) {
		st["end"] = true
	}
	return st
}

func (g *generator) choiceV1(st object, names []string, i, depth int) {
	option := func() object {
		o := object{}
		if g.chance(2) {
			o["steps"] = g.steps(depth + 1)
		}
		if g.chance(3) {
			o["goto"] = g.target(names, i)
		}
		return o
	}
	var choices []any
	for range 1 + g.rand.IntN(2) {
		o := option()
		o["condition"] = pick(g, "$.n > 4", "$.flag", `$.s == "x"`, "$.nothing == 1", "$.n < 8")
		choices = append(choices, o)
	}
	st["choices"] = choices
	if g.chance(2) {
		st["default"] = option()
	}
}

func (g *generator) taskV1(st object, names []string, i int) {
	st["resourceArn"] = "acs:fc:::services/s/functions/f"
	pattern := pick(g, "requestResponse", "requestResponse", "sync", "waitForCallback")
	switch pattern {
	case "sync":
		st["pattern"] = pattern
		if g.chance(2) {
			st["resourceArn"] = "acs:fnf:::flow/child"
		} else {
			st["serviceParams"] = object{"InvocationType": "Async"}
		}
	case "waitForCallback":
		st["pattern"] = pattern
		st["inputMappings"] = g.mappings("$context.task.token", "$local")
	}
	if g.chance(2) {
		st["timeoutSeconds"] = 1 + g.rand.IntN(6)
	}
	if g.chance(2) {
		st["retry"] = []any{object{
			"errors":          []any{pick(g, append(errorNames, flow.ErrorAll)...)},
			"intervalSeconds": g.rand.IntN(3), "maxAttempts": g.rand.IntN(3),
			"multiplier": pick(g, 1, 1.5, 2),
		}}
	}
	if g.chance(2) {
		st["catch"] = []any{object{
			"errors": []any{pick(g, append(errorNames, flow.ErrorAll, flow.ErrorAll)...)},
			"goto":   g.target(names, i),
		}}
		if g.chance(2) {
			st["errorMappings"] = []any{object{"target": "e",
				"source": pick(g, "$local.error", "$local.cause", "$input.n")}}
		}
	}
}
