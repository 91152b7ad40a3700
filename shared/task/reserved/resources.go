// Package reserved knows the engine's own resources in a cloud: the queue of hints and the
// dead-letter queues, its functions, its table, its roles. No task may target one of them, whatever
// region, account, qualifier or spelling names it, and whatever the role that signs the call
// allows: the engine trusts what arrives on its queue, and the step runner trusts every caller that
// may invoke it.
package reserved

import (
	"fmt"
	"strings"

	"millrace/shared/arn"
	"millrace/shared/glob"
	"millrace/shared/task"
)

// Resources are the engine's own resources. A nil Resources forbids nothing. It must not be changed
// once tasks use it.
type Resources struct {
	names    map[kind]map[string]bool // in lower case
	patterns []string                 // the operator's globs on resource names, in lower case
	reserved []reservedName           // what the patterns reserve, by kind and name
	lambdas  []string                 // globs on names of Lambda functions, in lower case
	// stack is, on AWS, the stack's name in the running function's name; see stackName.
	stack string
}

// kind is the kind of resource that a name belongs to.
type kind string

const (
	queue    kind = "queue"
	function kind = "function"
	instance kind = "instance of TableStore"
	role     kind = "role"
	policy   kind = "policy"
	topic    kind = "topic"
	bus      kind = "event bus"
	bucket   kind = "bucket"
)

// roles are the functions of a deployment, by the suffixes of their names on Function Compute.
var roles = []string{"api", "steprunner", "starter", "sweeper"}

// Alibaba returns the resources of a deployment on Alibaba Cloud. In what s.yaml deploys, all other
// names begin with the queue's name. running is the name of the running function, store the name of
// its instance of TableStore. reserved are further resource names, as globs.
func Alibaba(queueName, running, store string, reserved []string) *Resources {
	r := &Resources{names: map[kind]map[string]bool{}}
	for _, end := range []string{"", "-dead-letters", "-event-dead-letters"} {
		r.add(queue, queueName+end)
	}
	r.add(instance, store)
	r.add(function, running)
	r.addSiblings(queueName + "-")
	for _, end := range roles {
		if before, ok := strings.CutSuffix(strings.ToLower(running), end); ok {
			r.addSiblings(before)
		}
	}
	for _, p := range reserved {
		r.patterns = append(r.patterns, strings.ToLower(p))
		r.reserved = append(r.reserved, reservedNames(strings.ToLower(p))...)
	}
	return r
}

// addSiblings adds the functions whose names begin with prefix, and their roles and policies.
func (r *Resources) addSiblings(prefix string) {
	for _, end := range roles {
		r.add(function, prefix+end)
		r.add(role, prefix+end)
	}
	if prefix == "" {
		return // without a prefix, the further names would be words of any text
	}
	r.add(role, prefix+"tasks")
	for _, end := range append([]string{"tasks", "reserved", "ends"}, roles...) {
		r.add(policy, prefix+end)
	}
}

// AddRole adds a role by its resource name, such as the role of tasks. Calls that change or assume
// it are then rejected. It must not be called once tasks use r.
func (r *Resources) AddRole(arn string) { r.add(role, arn[strings.LastIndexByte(arn, '/')+1:]) }

func (r *Resources) add(k kind, name string) {
	if name == "" {
		return
	}
	if r.names[k] == nil {
		r.names[k] = map[string]bool{}
	}
	r.names[k][strings.ToLower(name)] = true
}

// ownError is the error for a target that is the engine's own.
func ownError(written, what string) error {
	return fmt.Errorf("%s is the engine's own %s: no flow's target", written, what)
}

// CheckQueue returns an error if a queue is the engine's own or reserved. written is the resource
// name as the flow wrote it.
func (r *Resources) CheckQueue(written, name string) error {
	if r == nil || !r.names[queue][strings.ToLower(name)] {
		return r.checkMessageTarget(written, "queues/"+name)
	}
	return ownError(written, string(queue))
}

// checkMessageTarget returns an error if the operator has reserved a queue or a topic, by its name
// as written, in full or alone.
func (r *Resources) checkMessageTarget(written, resource string) error {
	full := written
	if name, err := arn.Parse(written); err == nil {
		name.Resource = resource
		full = name.String()
	}
	return r.checkPatterns(written, resource, full)
}

// CheckTopic returns an error if the operator has reserved the topic.
func (r *Resources) CheckTopic(written, name string) error {
	return r.checkMessageTarget(written, "topics/"+name)
}

// CheckBus returns an error if the operator has reserved the event bus, by its name.
func (r *Resources) CheckBus(name string) error { return r.checkReserved(bus, name) }

// CheckBucket returns an error if the operator has reserved the bucket, or the object in it.
func (r *Resources) CheckBucket(name, key string) error {
	if err := r.checkReserved(bucket, name); err != nil {
		return err
	}
	return r.checkPatterns("acs:oss:*:*:"+name+"/"+key, name+"/"+key)
}

// CheckFunction returns an error if a function of Function Compute is the engine's own, in any
// version, alias or service, or reserved.
func (r *Resources) CheckFunction(f *task.Function) error {
	if r == nil {
		return nil
	}
	name := strings.ToLower(f.Name)
	for _, one := range []string{name, name[strings.LastIndexByte(name, '$')+1:]} {
		if r.names[function][one] {
			return ownError(f.Raw, string(function))
		}
	}
	return r.checkPatterns(f.Raw, f.ARN(), f.Identity())
}

// checkPatterns returns an error if a pattern of the operator matches one of the names, each a
// resource name or a part of one.
func (r *Resources) checkPatterns(names ...string) error {
	if r == nil {
		return nil
	}
	for _, pattern := range r.patterns {
		for _, name := range names {
			if glob.Match(pattern, strings.ToLower(name)) {
				return reservedError(names[0])
			}
		}
	}
	return nil
}
