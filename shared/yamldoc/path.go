package yamldoc

import "strconv"

// Path is the path of a value in a definition, like `States[2](Gate).Branches[0].Condition`. nil is
// the definition itself. It is built on the way down and formatted only for a diagnostic.
type Path struct {
	parent *Path
	key    string // of a member; of an item its name, "" if it has none
	index  int    // of an item; -1 for a member
}

// Key returns the path of a member.
func (p *Path) Key(key string) *Path { return &Path{parent: p, key: key, index: -1} }

// Item returns the path of a list item; name may be "".
func (p *Path) Item(index int, name string) *Path {
	return &Path{parent: p, key: name, index: index}
}

// String formats the path.
func (p *Path) String() string { return string(p.append(nil)) }

func (p *Path) append(dst []byte) []byte {
	if p == nil {
		return dst
	}
	dst = p.parent.append(dst)
	if p.index < 0 {
		if len(dst) > 0 {
			dst = append(dst, '.')
		}
		return append(dst, short(p.key)...)
	}
	dst = append(dst, '[')
	dst = strconv.AppendInt(dst, int64(p.index), 10)
	dst = append(dst, ']')
	if p.key != "" {
		dst = append(dst, '(')
		dst = append(dst, short(p.key)...)
		dst = append(dst, ')')
	}
	return dst
}
