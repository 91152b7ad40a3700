package fc

import (
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"sync"
	"time"

	harness "millrace/tests/clouds/emulators/alibaba/fc"
	"millrace/tests/clouds/emulators/alibaba/mns"
	"millrace/tests/clouds/emulators/alibaba/oss"
	"millrace/tests/clouds/emulators/alibaba/tablestore"
)

// TaskRole is the role that signs the calls of tasks.
const TaskRole = "acs:ram::" + harness.AccountID + ":role/millrace-tasks"

// roles issues temporary credentials: of the functions' role, which are the only ones that the
// functions have, because their environment holds none; and, as STS, of the role of tasks. Each
// allows what its policies allow (infra/alibaba/policies): the first the table, the engine's queues
// and the engine's functions, the second everything else.
type roles struct {
	mu     sync.Mutex
	n      int
	latest harness.Credentials
	before harness.Credentials
	tasks  []harness.Credentials // all that STS has issued; valid as long as the test
}

func (r *roles) current() harness.Credentials {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.latest
}

// renew replaces the credentials. The previous ones stay valid for the requests that have them;
// every service refuses older ones.
func (r *roles) renew(s *Stack) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	r.before = r.latest
	r.latest = harness.Credentials{ID: fmt.Sprint("STS.", r.n), Secret: "secret",
		Token: fmt.Sprint("token-", r.n)}
	r.publish(s)
}

// assume returns new credentials of the role of tasks.
func (r *roles) assume(s *Stack) harness.Credentials {
	r.mu.Lock()
	defer r.mu.Unlock()
	n := len(r.tasks) + 1
	k := harness.Credentials{ID: fmt.Sprint("STS.task.", n), Secret: "task secret",
		Token: fmt.Sprint("task-token-", n)}
	r.tasks = append(r.tasks, k)
	r.publish(s)
	return k
}

// isEngineQueue reports whether a queue is one of the engine's.
func isEngineQueue(queue string) bool { return queue == steps || queue == dead || queue == lost }

// publish tells the services the credentials and their rights.
func (r *roles) publish(s *Stack) {
	stores, queues := []tablestore.Key{tablestore.DefaultKey},
		map[string]mns.Key{mns.AccessKeyID: {Secret: mns.AccessKeySecret}}
	objects := []oss.Key{oss.DefaultKey}
	engine := []harness.Credentials{r.latest}
	if r.before.ID != "" {
		engine = append(engine, r.before)
	}
	for _, k := range engine {
		stores = append(stores, tablestore.Key{ID: k.ID, Secret: k.Secret, Token: k.Token,
			Expires: time.Now().Add(time.Hour)})
		queues[k.ID] = mns.Key{Secret: k.Secret, Token: k.Token, May: func(_, queue string) bool {
			return isEngineQueue(queue)
		}}
	}
	for _, k := range r.tasks {
		objects = append(objects, oss.Key{ID: k.ID, Secret: k.Secret, Token: k.Token,
			Expires: time.Now().Add(time.Hour)})
		queues[k.ID] = mns.Key{Secret: k.Secret, Token: k.Token, May: func(_, queue string) bool {
			return !isEngineQueue(queue) || s.o.Lax
		}}
	}
	s.Store.SetKeys(stores...)
	s.MNS.SetKeys(queues)
	s.OSS.SetKeys(objects...)
	if s.Service != nil {
		tasks := r.tasks
		if s.o.Lax {
			engine = append(engine, tasks...)
		}
		s.Users.setKeys(engine, tasks)
	}
}

// Renew replaces the credentials of the functions' role.
func (s *Stack) Renew() { s.roles.renew(s) }

// Assumed returns how often the role of tasks was assumed.
func (s *Stack) Assumed() int {
	s.roles.mu.Lock()
	defer s.roles.mu.Unlock()
	return len(s.roles.tasks)
}

// sts is the Security Token Service: the functions' role may assume that of tasks, and nothing
// else.
func (s *Stack) sts(w http.ResponseWriter, r *http.Request) {
	body, _ := io.ReadAll(r.Body)
	s.Users.keys.RLock()
	code, message := s.Service.Authenticate(r, body)
	s.Users.keys.RUnlock()
	q := r.URL.Query()
	switch {
	case code == "" && (r.Header.Get("X-Acs-Action") != "AssumeRole" ||
		r.Header.Get("X-Acs-Version") != "2015-04-01"):
		code, message = "InvalidAction.NotFound", "Specified api is not found."
	case code == "" && (q.Get("RoleArn") != TaskRole || q.Get("RoleSessionName") == ""):
		code, message = "EntityNotExist.Role", "The role not exists."
	}
	if code != "" {
		w.WriteHeader(http.StatusForbidden)
		json.NewEncoder(w).Encode(map[string]string{"Code": code, "Message": message,
			"RequestId": "r"})
		return
	}
	k := s.roles.assume(s)
	json.NewEncoder(w).Encode(map[string]any{"RequestId": "r", "Credentials": map[string]string{
		"AccessKeyId": k.ID, "AccessKeySecret": k.Secret,
		"SecurityToken": k.Token,
		"Expiration":    time.Now().Add(time.Hour).UTC().Format(time.RFC3339)}})
}
