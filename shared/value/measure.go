package value

// Measure returns the length of the text that Append writes for v. It returns ErrDepth if v is
// nested deeper than DepthMax, because Decode would reject the text. It stops counting above
// bytesMax: then size only says that the length exceeds bytesMax, and the rest of v is not checked.
func Measure(v any, bytesMax int) (size int, err error) {
	m := measure{bytesMax: bytesMax}
	err = m.add(v, 0)
	return m.size, err
}

type measure struct{ size, bytesMax int }

func (m *measure) add(v any, depth int) error {
	if depth > DepthMax {
		return ErrDepth
	}
	switch v := v.(type) {
	case nil:
		m.size += len("null")
	case bool:
		m.size += len("false")
		if v {
			m.size--
		}
	case string:
		m.size += stringSize(v)
	case Number:
		m.size += len(v)
	case []any:
		return m.addArray(v, depth)
	case map[string]any:
		return m.addObject(v, depth)
	default:
		m.size += len(Append(nil, v)) // the number types of Go
	}
	return nil
}

// commas returns the number of commas between n parts.
func commas(n int) int { return max(n-1, 0) }

func (m *measure) addArray(array []any, depth int) error {
	m.size += 2 + commas(len(array))
	if depth == DepthMax {
		return ErrDepth
	}
	for _, e := range array {
		if m.size > m.bytesMax {
			return nil
		}
		if err := m.add(e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

func (m *measure) addObject(object map[string]any, depth int) error {
	m.size += 2 + commas(len(object)) + len(object)
	if depth == DepthMax {
		return ErrDepth
	}
	for name, e := range object {
		if m.size > m.bytesMax {
			return nil
		}
		m.size += stringSize(name)
		if err := m.add(e, depth+1); err != nil {
			return err
		}
	}
	return nil
}

// stringSize returns the length of what AppendString writes.
func stringSize(s string) int {
	size := 2 + len(s)
	for i := 0; i < len(s); i++ {
		switch c := s[i]; {
		case c == '"' || c == '\\' || c == '\n' || c == '\r' || c == '\t':
			size++
		case c < 0x20:
			size += len(`\u0000`) - 1
		}
	}
	return size
}
