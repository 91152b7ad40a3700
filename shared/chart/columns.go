package chart

// Series are numbers over time, one for each column.
type Series struct {
	Name, Class string
	Values      []int64
}

// The measures of columns, in pixels.
const (
	columnsWidth  = 480
	columnsHeight = 84
	columnsFoot   = 16
)

// Columns draws series side by side in columns of one scale, with their greatest value above and
// first and last below; "" if there are no values.
func Columns(title, first, last string, series ...Series) string {
	most, n := int64(0), 0
	for _, s := range series {
		n = max(n, len(s.Values))
		for _, v := range s.Values {
			most = max(most, v)
		}
	}
	if n == 0 {
		return ""
	}
	p := &picture{}
	p.open("columns", title, columnsWidth, columnsHeight+columnsFoot)
	step := float64(columnsWidth) / float64(n)
	wide := step * 0.8 / float64(len(series))
	for at, s := range series {
		for i, v := range s.Values {
			h := float64(v) / float64(max(most, 1)) * (columnsHeight - 20)
			if v > 0 {
				h = max(h, 2)
			}
			p.f(`<rect class="%s" x="%s" y="%s" width="%s" height="%s"><title>%s: %d</title></rect>`+
				"\n", text(s.Class), num(float64(i)*step+float64(at)*wide), num(columnsHeight-h),
				num(wide), num(h), text(s.Name), v)
		}
	}
	p.f(`<path class="axis" d="M0 %d H%d"/>`+"\n", columnsHeight, columnsWidth)
	p.f(`<text class="soft" x="0" y="12">%d</text>`+"\n", most)
	p.f(`<text class="soft" x="0" y="%d">%s</text>`+"\n", columnsHeight+13, text(first))
	p.f(`<text class="soft end" x="%d" y="%d">%s</text>`+"\n</svg>\n", columnsWidth,
		columnsHeight+13, text(last))
	return p.b.String()
}

// Part is a part of a whole.
type Part struct {
	Name, Class string
	Value       int64
}

// Shares draws the parts of a whole as one bar. limit is a share of the whole, from 0 to 1, that is
// marked as a line; below 0 there is none.
func Shares(title string, limit float64, parts ...Part) string {
	const width, height = 600, 26
	whole := int64(0)
	for _, part := range parts {
		whole += part.Value
	}
	p := &picture{}
	p.open("shares", title, width, height)
	x := 0.0
	for _, part := range parts {
		w := float64(part.Value) / float64(max(whole, 1)) * width
		if part.Value > 0 {
			p.f(`<rect class="%s" x="%s" y="4" width="%s" height="18"><title>%s: %d</title></rect>`+
				"\n", text(part.Class), num(x), num(max(w, 1)), text(part.Name), part.Value)
		}
		x += w
	}
	if limit >= 0 && limit <= 1 {
		p.f(`<path class="limit" d="M%s 0 V%d"/>`+"\n", num(limit*width), height)
	}
	p.f("</svg>\n")
	return p.b.String()
}

// Style is the style sheet of charts, for a page that names the colours: --ink, --soft, --line,
// --good, --bad, --busy and --panel.
const Style = `
.chart{max-width:none;font:12px system-ui,sans-serif}
.chart text{fill:var(--ink)}
.chart .soft{fill:var(--soft)}
.chart .middle{text-anchor:middle}
.chart .end{text-anchor:end}
.chart rect{fill:var(--soft)}
.chart .succeeded{fill:var(--good)}
.chart .failed{fill:var(--bad);stroke:var(--ink);stroke-width:1}
.chart .running{fill:var(--busy)}
.chart .waiting{fill:var(--panel);stroke:var(--busy);stroke-width:1.5;stroke-dasharray:4 3}
.chart .aborted{fill:var(--panel);stroke:var(--soft);stroke-width:1.5;stroke-dasharray:2 3}
.chart .pending{fill:var(--panel);stroke:var(--line);stroke-width:1}
.chart .fold{fill:var(--panel)}
.chart .axis{stroke:var(--line);fill:none}
.chart .limit{stroke:var(--ink);stroke-width:2;stroke-dasharray:3 2}
`
