package reference

// processorOf returns the processor of the distributed Map with a name, which may stand in any list
// of states; nil if there is none. A child execution of that Map runs it.
func processorOf(scope object, name string) object {
	for _, s := range listField(scope, "States") {
		st, _ := s.(object)
		processor := objectField(st, "Processor")
		if processor != nil && textField(st, "Name") == name &&
			objectField(st, "ProcessorConfig") != nil {
			return processor
		}
		inner := []any{processor}
		if branches := listField(st, "Branches"); textField(st, "Type") == "Parallel" {
			inner = branches
		}
		for _, scope := range inner {
			if scope, ok := scope.(object); ok && scope != nil {
				if found := processorOf(scope, name); found != nil {
					return found
				}
			}
		}
	}
	return nil
}
