// Package own knows the engine's own resources in a cloud: the queue of hints and those of dead
// letters, its functions, its table, its roles. No task may have one as its target, by whatever
// region, account, qualifier or spelling it is named, and whatever the role allows that signs the
// call: what comes through the engine's queue is believed, and the step runner believes who may
// invoke it.
package own

import (
	"fmt"
	"strings"

	"millrace/shared/glob"
	"millrace/shared/task"
)

// Resources are the engine's own. A nil one names nothing. It is not changed once tasks use it.
type Resources struct {
	names    map[kind]map[string]bool // in lower case
	patterns []string                 // globs on resource names, of the operator's, in lower case
	reserved []reservedName           // what the patterns reserve, by kind and name
	lambdas  []string                 // globs on names of Lambda functions, in lower case
	stack    string                   // on AWS, as the running function's name begins; see stackName
}

// kind is what a name is the name of.
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

// roles are the functions of a deployment, by the ends of their names on Function Compute.
var roles = []string{"api", "steprunner", "starter", "sweeper"}

// Alibaba returns the resources of a deployment on Alibaba Cloud. Of what s.yaml deploys the queue
// has the name that all others begin with; running is the name of the function that asks, store
// that of its instance of TableStore. reserved are further resource names, as globs.
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

// addSiblings adds the functions, and their roles, whose names begin with prefix.
func (r *Resources) addSiblings(prefix string) {
	for _, end := range roles {
		r.add(function, prefix+end)
		r.add(role, prefix+end)
	}
	if prefix == "" {
		return // the further names would be words of any text
	}
	r.add(role, prefix+"tasks")
	for _, end := range append([]string{"tasks", "reserved", "ends"}, roles...) {
		r.add(policy, prefix+end)
	}
}

// AddRole adds a role by its resource name, such as that of tasks: calls that change or take it are
// refused. It must not be called once tasks use r.
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

// ownError is the error of a target that is the engine's own.
func ownError(written, what string) error {
	return fmt.Errorf("%s is the engine's own %s: no flow's target", written, what)
}

// CheckQueue refuses a queue that is the engine's own. written is the resource name as the flow has it.
func (r *Resources) CheckQueue(written, name string) error {
	if r == nil || !r.names[queue][strings.ToLower(name)] {
		return r.checkMessageTarget(written, "queues/"+name)
	}
	return ownError(written, string(queue))
}

// checkMessageTarget refuses a queue or a topic that the operator has reserved, by its name as written, in
// full or alone.
func (r *Resources) checkMessageTarget(written, resource string) error {
	full := written
	if arn, err := task.ParseARN(written); err == nil {
		arn.Resource = resource
		full = arn.String()
	}
	return r.checkPatterns(written, resource, full)
}

// CheckTopic refuses a topic that the operator has reserved.
func (r *Resources) CheckTopic(written, name string) error {
	return r.checkMessageTarget(written, "topics/"+name)
}

// CheckBus refuses an event bus that the operator has reserved, by its name.
func (r *Resources) CheckBus(name string) error { return r.checkReserved(bus, name) }

// CheckBucket refuses a bucket, or an object of it, that the operator has reserved.
func (r *Resources) CheckBucket(name, key string) error {
	if err := r.checkReserved(bucket, name); err != nil {
		return err
	}
	return r.checkPatterns("acs:oss:*:*:"+name+"/"+key, name+"/"+key)
}

// CheckFunction refuses a function of Function Compute that is the engine's own, by any version, alias
// or service.
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

// checkPatterns refuses what the operator has reserved by a pattern on a resource name, or on a part of
// one.
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
